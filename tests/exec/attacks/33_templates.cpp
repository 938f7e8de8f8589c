// 33. A template bomb. -> compile-error
template <int n, int m>
struct T {
  static constexpr int value = T<n - 1, m>::value + T<n - 1, m + (1 << n % 20)>::value;
};
template <int m>
struct T<0, m> {
  static constexpr int value = m;
};
int main() { return T<800, 1>::value; }
