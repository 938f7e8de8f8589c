#include <algorithm>

#include "verifiers/math/internal/scalar-inl.h"

namespace retort::verifiers {

namespace {

// floor(|x|·10^places + 1/2) with the sign of x.
void Round(Integer& out, const fmpq* x, int places) {
  Integer bottom;
  fmpz_ui_pow_ui(out, 10, static_cast<ulong>(places));
  fmpz_mul(out, out, fmpq_numref(x));
  const bool negative = fmpz_sgn(out) < 0;
  fmpz_abs(out, out);
  fmpz_mul_2exp(out, out, 1);
  fmpz_add(out, out, fmpq_denref(x));
  fmpz_mul_2exp(bottom, fmpq_denref(x), 1);
  fmpz_fdiv_q(out, out, bottom);
  if (negative) fmpz_neg(out, out);
}

// How near two numbers of one rounding must be as well: (a - b)²·10^power ≤ max(a², b²). Nothing
// tiny equals 0, and where rounding leaves few digits of a number, more must agree.
int PowerOfNearness(bool tiny, int places) {
  return tiny ? std::max(places, 2 * places - 4) : places;
}

}  // namespace

bool AgreeAsDecimals(const fmpq* a, const fmpq* b, int places) {
  Integer rounded_a, rounded_b;
  Round(rounded_a, a, places);
  Round(rounded_b, b, places);
  if (!fmpz_equal(rounded_a, rounded_b)) return false;
  Rational difference, size, scale;
  fmpq_sub(difference, a, b);
  fmpq_abs(difference, difference);
  fmpq_abs(size, a);
  fmpq_abs(scale, b);
  if (fmpq_cmp(size, scale) < 0) fmpq_swap(size, scale);
  fmpq_div(difference, difference, size);
  fmpq_mul(difference, difference, difference);
  fmpq_mul(size, size, size);
  fmpz_one(scale.top());
  fmpz_ui_pow_ui(scale.bottom(), 10, static_cast<ulong>(places));
  const bool tiny = fmpq_cmp(size, scale) < 0;
  fmpz_ui_pow_ui(scale.top(), 10, static_cast<ulong>(PowerOfNearness(tiny, places)));
  fmpz_one(scale.bottom());
  fmpq_mul(difference, difference, scale);
  fmpz_one(size.top());
  fmpz_one(size.bottom());
  return fmpq_cmp(difference, size) <= 0;
}

std::optional<bool> AgreeAsDecimals(const arb_t a, const arb_t b, int places, slong precision) {
  arb_t x, y, scale;
  arb_init(x);
  arb_init(y);
  arb_init(scale);
  arb_ui_pow_ui(scale, 10, static_cast<ulong>(places), precision);
  const auto round = [&](arb_t out, const arb_t value) {
    arb_mul(out, value, scale, precision);
    arb_mul_2exp_si(out, out, 1);
    // Half away from zero; that makes a difference only where a ball may lie on a half.
    arb_is_negative(value) ? arb_sub_ui(out, out, 1, precision)
                           : arb_add_ui(out, out, 1, precision);
    arb_mul_2exp_si(out, out, -1);
    arb_is_negative(value) ? arb_ceil(out, out, precision) : arb_floor(out, out, precision);
  };
  round(x, a);
  round(y, b);
  std::optional<bool> agree;
  if (!arb_overlaps(x, y)) {
    agree = false;
  } else if (arb_is_exact(x) && arb_is_exact(y)) {
    arb_abs(x, a);
    arb_abs(y, b);
    arb_max(y, y, x, precision);
    arb_mul(y, y, y, precision);
    arb_mul(x, y, scale, precision);
    arb_sub_ui(x, x, 1, precision);
    const bool tiny = arb_is_negative(x);
    arb_ui_pow_ui(scale, 10, static_cast<ulong>(PowerOfNearness(tiny, places)), precision);
    arb_sub(x, a, b, precision);
    arb_mul(x, x, x, precision);
    arb_mul(x, x, scale, precision);
    if (arb_le(x, y)) agree = true;
    if (arb_gt(x, y)) agree = false;
  }
  arb_clear(x);
  arb_clear(y);
  arb_clear(scale);
  return agree;
}

}  // namespace retort::verifiers
