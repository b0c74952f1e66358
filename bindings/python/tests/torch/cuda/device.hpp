// What the kernels' CUDA C++ takes for granted, on a CPU: one cube at a time, its units as fibers that
// take turns at every barrier.
#pragma once

#include <ucontext.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) alignas(bytes)

using std::exp, std::log, std::log1p, std::pow, std::fma, std::fabs, std::sqrt, std::tanh;

struct Dimensions {
    unsigned x = 1, y = 1, z = 1;
};

inline Dimensions threadIdx, blockIdx, blockDim, gridDim;
inline char* shared_memory;

using __half = _Float16;

/// Rounds to nearest, ties to even.
struct __nv_bfloat16 {
    uint16_t bits;
    __nv_bfloat16() = default;
    __nv_bfloat16(float value) {
        uint32_t word;
        std::memcpy(&word, &value, 4);
        bits = std::isnan(value) ? 0x7fff : (word + 0x7fff + (word >> 16 & 1)) >> 16;
    }
    operator float() const {
        uint32_t word = uint32_t(bits) << 16;
        float value;
        std::memcpy(&value, &word, 4);
        return value;
    }
};

void __syncthreads();
/// Units take turns: what one has written, the others see.
inline void __threadfence() {}

/// A kernel, and how it takes the driver's array of arguments.
struct Kernel {
    const char* entry;
    unsigned units;
    unsigned shared;
    void (*run)(void** arguments);
};

template <auto kernel, class... Arguments, size_t... index>
void run_with(void (*)(Arguments...), void** arguments, std::index_sequence<index...>) {
    kernel(*static_cast<std::remove_const_t<Arguments>*>(arguments[index])...);
}

template <class... Arguments>
constexpr auto places(void (*)(Arguments...)) {
    return std::make_index_sequence<sizeof...(Arguments)>();
}

template <auto kernel>
void run(void** arguments) {
    run_with<kernel>(kernel, arguments, places(kernel));
}
