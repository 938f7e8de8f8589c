#pragma once
// System calls without the C library: they leave errno alone. A process that shares its memory with
// an interpreter shares errno, too, and must not touch it.

#include <sys/syscall.h>

#include <type_traits>

namespace retort::exec {

#if defined(__x86_64__)
inline long CallWords(long number, long a, long b, long c, long d, long e) {
  long result = number;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
inline long CallWords(long number, long a, long b, long c, long d, long e) {
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
}
#else
inline long CallWords(long, long, long, long, long, long) { return -38; }  // ENOSYS
#endif

template <class T>
long Word(T value) {
  if constexpr (std::is_pointer_v<T> || std::is_null_pointer_v<T>) {
    return reinterpret_cast<long>(value);
  } else {
    return static_cast<long>(value);
  }
}

/// The result, or a negative error number.
template <class... Arguments>
long Call(long number, Arguments... arguments) {
  long words[5] = {};
  long* at = words;
  ((*at++ = Word(arguments)), ...);
  return CallWords(number, words[0], words[1], words[2], words[3], words[4]);
}

}  // namespace retort::exec
