# sac: make, make test, make quickstart. Rooms are found by wildcard; README tells the targets.
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CXX := $(if $(filter default,$(origin CXX)),g++,$(CXX))
BUILD ?= build
REAL ?= float
PREFIX ?= /usr/local
MUJOCO_DIR ?= .deps/mujoco
ROOMS ?= base config io backend cpu nn env data algo inference train problem cli

# set-up: .deps/setup.mk is written by scripts/setup.sh, which installs what is missing first
.DEFAULT_GOAL := all
ifeq ($(filter clean,$(MAKECMDGOALS)),)
include .deps/setup.mk
endif
.deps/setup.mk: scripts/setup.sh
	@$(if $(filter .deps/mujoco,$(MUJOCO_DIR)),,MUJOCO_DIR=$(MUJOCO_DIR)) scripts/setup.sh
	@touch $@

GIT_ID := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
WARN := -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes
CPPFLAGS += -Iinclude -Isrc -DSAC_REAL=$(REAL) -D_GNU_SOURCE -isystem $(MUJOCO_DIR)/include
OPT ?= -O3 -g
CFLAGS := $(OPT) -std=c11 -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno \
          -fno-trapping-math $(WARN) $(EXTRA)
CXXFLAGS := -O1 -g1 -std=c++17 -Wall -Wextra -Werror
LDLIBS += $(wildcard $(MUJOCO_DIR)/lib/libmujoco.so.*) -lyaml -ljansson -lxxhash -lz -lpthread -lm
RPATH := -Wl,-rpath,'$$ORIGIN/../lib/sac' -Wl,-rpath,$(abspath $(MUJOCO_DIR)/lib)

# src/cpu is one source, compiled once for each instruction set; cpu.c chooses at run time
SIMD := portable avx2 avx512
SIMD_portable :=
SIMD_avx2 := -mavx2 -mfma -ffp-contract=fast
SIMD_avx512 := -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512 \
               -ffp-contract=fast
CPU_SRC := $(if $(filter cpu,$(ROOMS)),$(filter-out src/cpu/cpu.c,$(wildcard src/cpu/*.c)))

SRC := $(filter-out $(CPU_SRC) src/cli/main.c,$(foreach r,$(ROOMS),$(wildcard src/$(r)/*.c)))
OBJ := $(SRC:src/%.c=$(BUILD)/obj/%.o) \
       $(foreach s,$(SIMD),$(CPU_SRC:src/cpu/%.c=$(BUILD)/obj/cpu/$(s)/%.o))
TESTS := $(foreach r,$(ROOMS) ops,$(wildcard tests/$(r)/*_test.cc))
TEST_OBJ := $(TESTS:tests/%.cc=$(BUILD)/tests/%.o)

# kernels: libsac_cuda.so where nvcc is there (CUDA=0 does without); in tests the same files on the
# CPU, over the CUDA of tests/shim
NVCC ?= $(shell command -v nvcc)
CUDA ?= $(if $(NVCC),1,0)
CUDA_HOME ?= $(patsubst %/bin/nvcc,%,$(realpath $(NVCC)))
CU := $(if $(filter cpu,$(ROOMS)),$(wildcard kernels/*.cu))
NVCCFLAGS := -O3 -std=c++17 -gencode arch=compute_90a,code=sm_90a \
             -gencode arch=compute_90,code=compute_90 -Xptxas -v \
             -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra
CURAND := $(wildcard $(CUDA_HOME)/include/curand_philox4x32_x.h)
SHIM := $(addprefix $(BUILD)/shim/,libsac_cuda.so libcuda.so.1 libmisfit.so)
SHIM_OBJ := $(patsubst %,$(BUILD)/shim/%.o,$(notdir $(basename $(CU) $(wildcard tests/shim/*.cc))))
SHIMFLAGS := -O1 -g1 -std=c++17 -fPIC -fvisibility=hidden -Wall -Wextra -Werror \
             -Wno-unknown-pragmas -Itests/shim $(if $(CURAND),-DSAC_CURAND='"$(CURAND)"')

.PHONY: all tests test test-slow asan tsan bench lint gpu-bundle quickstart install clean FORCE
all: $(BUILD)/sac $(BUILD)/libsac.a $(BUILD)/libsac.so \
     $(if $(filter 1,$(CUDA)),$(BUILD)/libsac_cuda.so)

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# programs in Python that are part of ours
$(BUILD)/obj/env/process.o: src/env/gym_worker.py
$(BUILD)/obj/cli/bench_compare.o: src/cli/peers.py

# every file of configs/presets is a part of the program
PRESETS := $(sort $(wildcard configs/presets/*.yaml))
$(BUILD)/obj/config/presets.o: $(PRESETS) configs/presets
$(BUILD)/obj/config/presets.o: CPPFLAGS += \
    '-DSAC_PRESETS=$(foreach p,$(PRESETS),PRESET($(basename $(notdir $(p)))))'

define simd_rule
$(BUILD)/obj/cpu/$(1)/%.o: src/cpu/%.c
	@mkdir -p $$(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(SIMD_$(1)) -DSAC_SIMD=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach s,$(SIMD),$(eval $(call simd_rule,$(s))))

# the version is compiled anew when the commit is another
VERSIONED := $(BUILD)/obj/base/version.o $(BUILD)/cuda/table.o $(BUILD)/shim/table.o
$(VERSIONED): CPPFLAGS += -DSAC_GIT_ID='"$(GIT_ID)"'
$(VERSIONED): $(BUILD)/git-id
$(BUILD)/git-id: FORCE
	@mkdir -p $(@D) && echo '$(GIT_ID)' | cmp -s - $@ || echo '$(GIT_ID)' >$@

$(BUILD)/tests/%.o: tests/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) -Itests $(CXXFLAGS) -MMD -MP -c $< -o $@

# what ptxas says of registers, spills and shared memory stays beside the object
$(BUILD)/cuda/%.o: kernels/%.cu
	@mkdir -p $(@D)
	$(NVCC) $(CPPFLAGS) -I. $(NVCCFLAGS) -MD -MP -c $< -o $@ 2>$@.ptxas || \
	    { cat $@.ptxas; echo 'kernels need nvcc 13; make CUDA=0 does without'; exit 1; } >&2

$(BUILD)/libsac_cuda.so: $(CU:kernels/%.cu=$(BUILD)/cuda/%.o)
	$(NVCC) -shared -cudart static $^ -o $@ -lcublas -Xlinker -rpath,$(CUDA_HOME)/lib64 \
	    -Xcompiler -static-libstdc++,-static-libgcc

$(BUILD)/shim/%.o: kernels/%.cu
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) -I. $(SHIMFLAGS) $(EXTRA) -MMD -MP -x c++ -c $< -o $@

$(BUILD)/shim/%.o: tests/shim/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(SHIMFLAGS) $(EXTRA) -MMD -MP -c $< -o $@

$(BUILD)/shim/libsac_cuda.so: $(SHIM_OBJ)
	$(CXX) -shared $(EXTRA) $^ -o $@ -lpthread

$(BUILD)/shim/libcuda.so.1: tests/shim/driver.c
$(BUILD)/shim/libmisfit.so: tests/shim/misfit.c
$(BUILD)/shim/libcuda.so.1 $(BUILD)/shim/libmisfit.so:
	@mkdir -p $(@D)
	$(CC) -shared -fPIC -Wl,-soname,$(@F) $< -o $@

$(BUILD)/libsac.a: $(OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/libsac.so: $(OBJ)
	$(CC) -shared $(CFLAGS) $^ -o $@ $(RPATH) $(LDLIBS)

$(BUILD)/sac: $(BUILD)/obj/cli/main.o $(BUILD)/libsac.a
	$(CC) $(CFLAGS) $^ -o $@ $(RPATH) $(LDLIBS)

$(BUILD)/sac_tests: $(TEST_OBJ) $(BUILD)/libsac.a
	$(CXX) $(CXXFLAGS) $(EXTRA) $^ -o $@ $(RPATH) $(LDLIBS) -lgtest -lgtest_main

# the example of a plug-in, and three that are wrong
PLUGINS := $(patsubst %,$(BUILD)/plugins/%.so,corridor version lacks_step absurd)
$(BUILD)/plugins/version.so: WRONG := -DVERSION=99
$(BUILD)/plugins/lacks_step.so: WRONG := -DSTEP=NULL
$(BUILD)/plugins/absurd.so: WRONG := -DOBS_DIM=-7
$(PLUGINS): tests/env/plugins/corridor.c include/sac/env.h include/sac/base.h
	@mkdir -p $(@D)
	$(CC) -shared -fPIC -Iinclude $(WRONG) $< -o $@ -lm

tests: $(BUILD)/sac $(BUILD)/sac_tests $(SHIM) $(PLUGINS)

# the fast tests, and every gradient against central differences in a double-precision build
test: all tests
	$(MAKE) tests BUILD=$(BUILD)/double REAL=double
	scripts/test.sh $(BUILD) fast

test-slow: all
	scripts/test.sh $(BUILD) slow

asan:
	$(MAKE) tests BUILD=build/asan OPT='-O1 -g' \
	    EXTRA='-fsanitize=address,undefined -fno-sanitize-recover=all'
	scripts/test.sh build/asan sanitised

tsan:
	$(MAKE) tests BUILD=build/tsan OPT='-O1 -g' EXTRA='-fsanitize=thread'
	scripts/test.sh build/tsan sanitised

bench: all
	$(BUILD)/sac bench gemm run.threads=1
	$(BUILD)/sac bench update run.threads=1
	$(BUILD)/sac bench update run.threads=2
	$(BUILD)/sac bench rollout env.id=HalfCheetah-v5 run.threads=1

lint: all
	scripts/lint.sh $(BUILD)

# what a machine with a GPU needs to run scripts/gpu_check.sh
gpu-bundle: all tests
	@[ '$(CUDA)' = 1 ] || { echo 'gpu-bundle: needs nvcc on PATH' >&2; exit 1; }
	scripts/gpu_bundle.sh $(BUILD)

quickstart: all
	scripts/quickstart.sh $(BUILD)/sac

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/sac $(DESTDIR)$(PREFIX)/include/sac \
	    $(DESTDIR)$(PREFIX)/share/sac/assets $(DESTDIR)$(PREFIX)/share/sac/configs/solve
	install $(BUILD)/sac $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(BUILD)/libsac.a $(BUILD)/libsac*.so $(DESTDIR)$(PREFIX)/lib
	install -m 644 $(MUJOCO_DIR)/lib/libmujoco.so.* $(DESTDIR)$(PREFIX)/lib/sac
	install -m 644 include/sac/*.h $(DESTDIR)$(PREFIX)/include/sac
	install -m 644 .deps/gymnasium/assets/*.xml $(DESTDIR)$(PREFIX)/share/sac/assets
	install -m 644 configs/*.yaml $(DESTDIR)$(PREFIX)/share/sac/configs
	install -m 644 configs/solve/* $(DESTDIR)$(PREFIX)/share/sac/configs/solve

clean:
	rm -rf $(BUILD)

-include $(OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(BUILD)/obj/cli/main.d $(SHIM_OBJ:.o=.d) \
         $(CU:kernels/%.cu=$(BUILD)/cuda/%.d)
