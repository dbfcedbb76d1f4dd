# sac: make, make test, make quickstart. Rooms are found by wildcard; see README for the targets.
CC ?= gcc
CXX ?= g++
BUILD ?= build
REAL ?= float
EXTRA ?=
PREFIX ?= /usr/local
MUJOCO_DIR ?= .deps/mujoco
ROOMS ?= base config io backend cpu nn env data algo train cli

WARN := -Wall -Wextra -Werror -Wconversion -Wshadow -Wstrict-prototypes
GIT_ID := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
CPPFLAGS += -Iinclude -Isrc -DSAC_REAL=$(REAL) -D_GNU_SOURCE -DSAC_GIT_ID=\"$(GIT_ID)\" -isystem $(MUJOCO_DIR)/include
CFLAGS ?= -O3 -g
CFLAGS += -std=c11 -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -fno-trapping-math $(WARN) $(EXTRA)
CXXFLAGS ?= -O1 -g
CXXFLAGS += -std=c++17 -Wall -Wextra -Werror $(EXTRA)
LIBMUJOCO := $(wildcard $(MUJOCO_DIR)/lib/libmujoco.so.*)
LDLIBS += $(LIBMUJOCO) -lyaml -ljansson -lxxhash -lpthread -lm
RPATH := -Wl,-rpath,'$$ORIGIN/../$(MUJOCO_DIR)/lib' -Wl,-rpath,$(abspath $(MUJOCO_DIR)/lib) -Wl,-rpath,'$$ORIGIN/../lib'

# src/cpu is one source compiled once for each instruction set; cpu.c chooses among them at run time
SIMD := portable avx2 avx512
SIMD_portable :=
SIMD_avx2 := -mavx2 -mfma -ffp-contract=fast
SIMD_avx512 := -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512 -ffp-contract=fast
CPU_SRC := $(if $(filter cpu,$(ROOMS)),$(filter-out src/cpu/cpu.c,$(wildcard src/cpu/*.c)))

SRC := $(filter-out $(CPU_SRC) src/cli/main.c,$(foreach r,$(ROOMS),$(wildcard src/$(r)/*.c)))
OBJ := $(SRC:src/%.c=$(BUILD)/obj/%.o) \
       $(foreach s,$(SIMD),$(CPU_SRC:src/cpu/%.c=$(BUILD)/obj/cpu/$(s)/%.o))
TESTS := $(foreach r,$(ROOMS) ops,$(wildcard tests/$(r)/*_test.cc))
TEST_OBJ := $(TESTS:tests/%.cc=$(BUILD)/tests/%.o)

all: $(BUILD)/sac $(BUILD)/libsac.a $(BUILD)/libsac.so

$(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

define simd_rule
$(BUILD)/obj/cpu/$(1)/%.o: src/cpu/%.c
	@mkdir -p $$(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(SIMD_$(1)) -DSAC_SIMD=$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach s,$(SIMD),$(eval $(call simd_rule,$(s))))

$(BUILD)/tests/%.o: tests/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) -Itests $(CXXFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libsac.a: $(OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/libsac.so: $(OBJ)
	$(CC) -shared $(CFLAGS) $^ -o $@ $(RPATH) $(LDLIBS)

$(BUILD)/sac: $(BUILD)/obj/cli/main.o $(BUILD)/libsac.a
	$(CC) $(CFLAGS) $^ -o $@ $(RPATH) $(LDLIBS)

$(BUILD)/sac_tests: $(TEST_OBJ) $(BUILD)/libsac.a
	$(CXX) $(CXXFLAGS) $^ -o $@ $(RPATH) $(LDLIBS) -lgtest -lgtest_main

-include $(OBJ:.o=.d) $(TEST_OBJ:.o=.d)
