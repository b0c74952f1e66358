// A CUDA driver without a device: it runs what it is asked to launch, at once, and remembers it.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "device.hpp"

extern const Kernel kernels_f32[], kernels_f16[], kernels_bf16[];

namespace {

constexpr size_t STACK = 64 << 10;
constexpr int FAILED = 999, INVALID = 1, NO_CONTEXT = 201, NO_DEVICE = 101, NOT_FOUND = 500;
void* const CONTEXT = reinterpret_cast<void*>(0xC0FFEE);

struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack{new char[STACK]};
    bool finished = false;
};

ucontext_t scheduler;
std::vector<Fiber> fibers;
unsigned current;
const Kernel* running;
void** arguments_of_running;

void* current_context;
int relaxed;
std::string log_of_launches;

void unit() {
    running->run(arguments_of_running);
    fibers[current].finished = true;
}

/// Whether all units came to every barrier.
bool run_cube() {
    for (auto& fiber : fibers) {
        fiber.finished = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, unit, 0);
    }
    for (;;) {
        size_t finished = 0;
        for (current = 0; current < fibers.size(); ++current) {
            threadIdx = {current, 0, 0};
            swapcontext(&scheduler, &fibers[current].context);
            finished += fibers[current].finished;
        }
        if (finished == fibers.size()) return true;
        if (finished != 0) return false;
    }
}

const Kernel* find(const char* entry) {
    for (const Kernel* kernels : {kernels_f32, kernels_f16, kernels_bf16})
        for (; kernels->entry; ++kernels)
            if (std::string(kernels->entry) == entry) return kernels;
    return nullptr;
}

}  // namespace

void __syncthreads() { swapcontext(&fibers[current].context, &scheduler); }

extern "C" {

/// Kernel, grid, stream of every launch since the last call.
const char* fake_launches() {
    static std::string taken;
    taken = std::exchange(log_of_launches, "");
    return taken.c_str();
}

int cuInit(unsigned) { return 0; }
int cuDriverGetVersion(int* version) {
    const char* wanted = std::getenv("FAKE_DRIVER_VERSION");
    *version = wanted ? std::atoi(wanted) : 12010;
    return 0;
}
int cuDeviceGet(int* device, int ordinal) {
    *device = ordinal;
    return ordinal < 8 ? 0 : NO_DEVICE;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
    *value = attribute == 75 ? 7 : 5;
    return 0;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
    *context = CONTEXT;
    return 0;
}
int cuCtxGetCurrent(void** context) {
    *context = current_context;
    return 0;
}
int cuCtxSetCurrent(void* context) {
    current_context = context;
    return 0;
}
int cuThreadExchangeStreamCaptureMode(int* mode) {
    std::swap(relaxed, *mode);
    return 0;
}
int cuModuleLoadData(void** module, const void* image) {
    if (current_context != CONTEXT || relaxed != 2) return NO_CONTEXT;
    *module = new std::string(static_cast<const char*>(image));
    return 0;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
    bool there = static_cast<std::string*>(module)->find(std::string(".entry ") + name + "(") !=
                 std::string::npos;
    *function = const_cast<Kernel*>(find(name));
    return there && *function ? 0 : NOT_FOUND;
}
int cuLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned units, unsigned,
                   unsigned, unsigned shared, void* stream, void** arguments, void**) {
    running = static_cast<const Kernel*>(function);
    arguments_of_running = arguments;
    if (current_context != CONTEXT) return NO_CONTEXT;
    if (shared != running->shared || units != running->units || x * y * z == 0) return INVALID;
    char line[256];
    std::snprintf(line, sizeof line, "%s %u %u %p\n", running->entry, x, y, stream);
    log_of_launches += line;
    gridDim = {x, y, z};
    blockDim = {units, 1, 1};
    fibers.resize(units);
    std::unique_ptr<char[]> memory(new char[shared]);
    shared_memory = memory.get();
    for (unsigned row = 0; row < y; ++row)
        for (unsigned cube = 0; cube < x; ++cube) {
            // What nobody wrote is no number.
            std::memset(shared_memory, 0xff, shared);
            blockIdx = {cube, row, 0};
            if (!run_cube()) return FAILED;
        }
    return 0;
}
int cuGetErrorString(int code, const char** text) {
    *text = code == FAILED ? "units that wait for others that are gone" : "refused";
    return 0;
}
int cuGetErrorName(int code, const char** text) { return cuGetErrorString(code, text); }

}
