#pragma once
// In place of gloo's headers, which libtorch's packages leave out: what c10d's own header names of gloo. The library itself
// is in libtorch_cpu.so. Found only where there is no real one; group.cpp says for which libtorch these hold.
#define CT_GLOO_STUBS
