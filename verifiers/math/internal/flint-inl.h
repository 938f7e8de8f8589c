#pragma once
// FLINT's headers, whose place depends on its version: since 3 it holds Arb. For .cpp files
// and -inl.h files of this room.

#include <flint/flint.h>
#include <flint/fmpq.h>
#include <flint/fmpz.h>
#include <flint/fmpz_mpoly.h>
#if __has_include(<flint/acb.h>)
#include <flint/acb.h>
#else
#include <acb.h>
#endif
