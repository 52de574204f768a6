# SPDX-License-Identifier: Apache-2.0
# make            the library and the program, in build/
# make demo       installs a compiler if it is missing, builds, lets ponder-mini answer three questions
# make deps       installs what the tests need, fetches the models they run
# make test       the test suite, assertions on        make san    the same under ASan and UBSan
# make check      every kernel of every instruction set: the same bits, then how fast (ONLY=word)
# make bench      pairs every figure with llama.cpp's (ISA=avx2, R=5, THREADS=2, MODELS="Q4_0 gemma", BENCH=quick, RESUME=1)
# make cross      the whole suite on ARM and RISC-V under qemu        make valgrind   memcheck
# make train      ponder-train, which makes models; needs OpenBLAS (libopenblas-dev)
# make quantize   ponder-quantize, which makes them smaller; needs it too
# make problems   ponder-problems, which makes training data (models/README.md)
# make install    PREFIX=/usr/local
# Settings: CC, CROSS=aarch64-linux-gnu, WERROR=1, BUILD=dir, V=1, -jN (as many jobs as cores)

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN)
endif
ifneq ($(CROSS),)
CC := $(CROSS)-gcc
AR := $(CROSS)-ar
BUILD ?= build/$(CROSS)
else
BUILD ?= build
endif
PREFIX ?= /usr/local
OPT ?= -O2 -g
WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wvla $(if $(WERROR),-Werror)
# Contraction off: the same rounding on every machine, see arch/kernels.h.
PD_CFLAGS := -std=c11 $(OPT) $(WARN) -ffp-contract=off -fno-math-errno -fvisibility=hidden \
             -fPIC -pthread -Isrc -I. -MMD -MP $(EXTRA_CFLAGS) $(CFLAGS)
PD_LDFLAGS := -pthread $(EXTRA_LDFLAGS) $(LDFLAGS)
Q := $(if $(V),,@)

MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
LIB_SRC := $(wildcard src/base/*.c quant/block.c quant/format.c arch/*.c arch/generic/*.c \
             src/model/*.c src/decode/*.c src/search/*.c src/*.c)
ifneq ($(filter x86_64-% i%86-%,$(MACHINE)),)
LIB_SRC += $(wildcard arch/x86/*.c)
PD_CFLAGS += -msse2 -mfpmath=sse
else ifneq ($(filter aarch64-% arm64-%,$(MACHINE)),)
LIB_SRC += $(wildcard arch/arm/*.c)
else ifneq ($(filter arm%eabihf,$(MACHINE)),)
LIB_SRC += arch/arm/cpu.c $(wildcard arch/arm/*_neon.c)
NEON_CFLAGS := -march=armv7-a -mfpu=neon-vfpv4 -mfp16-format=ieee
endif
CLI_SRC := $(wildcard src/cli/*.c)
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
SUPPORT_SRC := $(wildcard tests/support/*.c) $(wildcard quant/encode*.c)
TEST_SH := $(sort $(wildcard tests/*.sh tests/cli/*.sh))
EXAMPLE_SRC := $(wildcard examples/*.c)
# What makes models needs OpenBLAS; it and its tests are left out where that is missing, and for other machines.
MAKERS := quantize train
train_SRC := $(wildcard models/train/*.c) \
             $(wildcard models/train/$(if $(filter x86_64-%,$(MACHINE)),x86,generic)/*.c)
quantize_SRC := $(wildcard quant/quantize/*.c) $(filter-out %/main.c,$(train_SRC))
HAS_BLAS := $(if $(CROSS),,$(shell printf '\043include <cblas.h>\n' | $(CC) -E - 2>/dev/null | grep -q openblas_set && echo yes))
ifeq ($(HAS_BLAS),)
TEST_SRC := $(filter-out $(MAKERS:%=tests/%/%),$(TEST_SRC))
endif
PROBLEMS_SRC := $(wildcard models/data/*.c)

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB_OBJ := $(call obj,$(LIB_SRC))
TESTS := $(patsubst %.c,$(BUILD)/%,$(TEST_SRC))
EXAMPLES := $(patsubst %.c,$(BUILD)/%,$(EXAMPLE_SRC))

.PHONY: all lib problems makers $(MAKERS) demo deps test check check-tests test-programs cross valgrind san bench headline install clean examples
.SECONDARY:
all: $(BUILD)/ponder $(BUILD)/libponder.a
lib: $(BUILD)/libponder.a
examples: $(EXAMPLES)
makers: $(if $(HAS_BLAS),$(MAKERS))

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(PD_CFLAGS) $(ARCH_CFLAGS) -c $< -o $@

$(BUILD)/quant/encode_search.o: ARCH_CFLAGS = -O3
# Kernels get -O3, and each instruction set its own flags.
$(BUILD)/arch/%.o: ARCH_CFLAGS = -O3 $(ISA_CFLAGS)
$(BUILD)/arch/x86/%_avx2.o: ISA_CFLAGS = -mavx2 -mfma -mf16c
$(BUILD)/arch/x86/%_avxvnni.o: ISA_CFLAGS = -mavx2 -mfma -mf16c -mavxvnni
$(BUILD)/arch/x86/%_avx512.o: ISA_CFLAGS = -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq \
                                           -mavx512vnni
$(BUILD)/arch/arm/%_neon.o: ISA_CFLAGS = $(NEON_CFLAGS)
$(BUILD)/arch/arm/%_dotprod.o: ISA_CFLAGS = -march=armv8.2-a+dotprod
$(BUILD)/arch/arm/%_i8mm.o: ISA_CFLAGS = -march=armv8.2-a+dotprod+i8mm

$(BUILD)/libponder.a: $(LIB_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/ponder: $(call obj,$(CLI_SRC)) $(BUILD)/libponder.a
	$(Q)$(CC) $^ $(PD_LDFLAGS) -o $@

problems: $(BUILD)/ponder-problems
$(BUILD)/ponder-problems: $(call obj,$(PROBLEMS_SRC)) $(BUILD)/libponder.a
	$(Q)$(CC) $^ $(PD_LDFLAGS) -o $@
$(filter $(BUILD)/tests/cli/%,$(TESTS)): $(call obj,$(filter-out %/main.c,$(CLI_SRC)))
$(filter $(BUILD)/tests/data/%,$(TESTS)): $(call obj,$(filter-out %/main.c,$(PROBLEMS_SRC)))

$(BUILD)/examples/%: $(BUILD)/examples/%.o $(BUILD)/libponder.a
	$(Q)$(CC) $^ $(PD_LDFLAGS) -o $@

# NAME: ponder-NAME from NAME_SRC; its tests, tests/NAME/, are linked with all of that but main.c.
define maker_rules
$(1): $(BUILD)/ponder-$(1)
$(BUILD)/ponder-$(1): $(call obj,$($(1)_SRC) $(wildcard quant/encode*.c)) $(BUILD)/libponder.a
	$$(Q)$$(CC) $$^ $$(PD_LDFLAGS) -lopenblas -lm -o $$@
$(BUILD)/tests/$(1)/%: $(BUILD)/tests/$(1)/%.o $(call obj,$(filter-out %/main.c,$($(1)_SRC)) $(SUPPORT_SRC)) \
  $(BUILD)/libponder.a | $(BUILD)/ponder-$(1)
	$$(Q)$$(CC) $$(filter %.o,$$^) $$(filter %.a,$$^) $$(PD_LDFLAGS) $$(CMOCKA) -lopenblas -lm -o $$@
endef
$(foreach maker,$(MAKERS),$(eval $(call maker_rules,$(maker))))
# The trainer's loops over floats want vectors, and products with sums in one instruction.
$(BUILD)/models/train/%.o: ARCH_CFLAGS = -O3 -march=native -ffp-contract=fast -fno-trapping-math -fno-signed-zeros $(ISA_CFLAGS)
BF16_CFLAGS := -mavx512f -mavx512bw -mavx512vl -mavx512bf16
$(BUILD)/models/train/x86/%_avx512bf16.o: ISA_CFLAGS = $(BF16_CFLAGS)
$(BUILD)/models/train/x86/%_amx.o: ISA_CFLAGS = $(BF16_CFLAGS) -mamx-tile -mamx-bf16

$(BUILD)/scripts/bench/random_model: $(call obj,scripts/bench/random_model.c $(wildcard quant/encode*.c) \
  tests/support/tiny_model.c tests/support/tiny_vocab.c tests/support/gguf_builder.c) $(BUILD)/libponder.a
	$(Q)$(CC) $^ $(PD_LDFLAGS) -lm -o $@

$(BUILD)/scripts/bench/verifier_cost: $(call obj,scripts/bench/verifier_cost.c) $(BUILD)/libponder.a
	$(Q)$(CC) $^ $(PD_LDFLAGS) -o $@
$(BUILD)/scripts/bench/random_budgets: $(call obj,scripts/bench/random_budgets.c) $(BUILD)/libponder.a
	$(Q)$(CC) $^ $(PD_LDFLAGS) -lm -o $@

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(call obj,$(SUPPORT_SRC)) $(BUILD)/libponder.a
	$(Q)$(CC) $(filter %.o,$^) $(filter %.a,$^) $(PD_LDFLAGS) $(CMOCKA) -lm -o $@

# For another machine there is a little cmocka of our own. Optimised less: its gcc 12 may crash on tests at -O2.
ifeq ($(CROSS),)
CMOCKA := -lcmocka
else
$(TESTS): $(call obj,tests/cross/cmocka.c)
$(BUILD)/tests/%.o: ARCH_CFLAGS = -O1 -Wno-maybe-uninitialized -Itests/cross
endif

# What tries and times kernels has all levels of levels.c; among them, on x86, AVX-VNNI's in another encoding.
KERNEL_CHECKS := $(BUILD)/tests/kernels/test_kernels $(BUILD)/tests/kernels/bench_kernels
ifneq ($(CROSS),)
$(BUILD)/tests/kernels/bench_kernels: $(call obj,tests/cross/cmocka.c)
endif
$(KERNEL_CHECKS): $(call obj,tests/kernels/levels.c)
ifneq ($(filter arch/x86/%,$(LIB_SRC)),)
EVEX_OBJ := $(BUILD)/tests/kernels/matmul_avxvnni_evex.o
$(KERNEL_CHECKS): $(EVEX_OBJ)
$(EVEX_OBJ): ARCH_CFLAGS = -O3 -mavx2 -mfma -mf16c -mavx512vl -mavx512vnni -DPD_AVXVNNI_EVEX
$(EVEX_OBJ): arch/x86/matmul_avxvnni.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(PD_CFLAGS) $(ARCH_CFLAGS) -c $< -o $@
endif

# The script calls make for the build: there may be no compiler yet.
demo:
	+$(Q)BUILD=$(BUILD) CC="$(CC)" MAKE="$(MAKE)" scripts/demo.sh

deps:
	$(Q)scripts/deps.sh

# The suite has its own build with assertions on, so that it never mixes with the release build. In
# `make deps test` it waits for deps.
test: | $(filter deps,$(MAKECMDGOALS))
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/test EXTRA_CFLAGS="-DPD_DEBUG" check-tests

san: | $(filter deps,$(MAKECMDGOALS))
	$(Q)TEST_LIMIT=600 $(MAKE) --no-print-directory BUILD=$(BUILD)/san OPT="-O1 -g" check-tests \
	  EXTRA_CFLAGS="-DPD_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
	  EXTRA_LDFLAGS="-fsanitize=address,undefined"

check-tests: $(TESTS) $(BUILD)/ponder $(BUILD)/ponder-problems $(EXAMPLES) makers
	$(Q)$(if $(HAS_BLAS),,echo "left out, no OpenBLAS (cblas.h): $(MAKERS) and their tests")
	$(Q)BUILD=$(BUILD) CC="$(CC)" scripts/run-tests.sh $(TESTS) $(TEST_SH)

check: $(KERNEL_CHECKS)
	$(Q)$(BUILD)/tests/kernels/test_kernels
	$(Q)$(BUILD)/tests/kernels/bench_kernels $(ONLY)

# The peer is built once into PEER_DIR, which takes 10 minutes.
PEER_DIR ?= build/peer
headline: all problems $(BUILD)/scripts/bench/random_budgets
	$(Q)BUILD=$(BUILD) scripts/headline.sh $(OUT)

bench: $(BUILD)/ponder $(BUILD)/scripts/bench/random_model
	$(Q)PEER_DIR=$(PEER_DIR) CC="$(CC)" scripts/bench/peer.sh native
	$(Q)$(if $(filter avx2,$(ISA)),PEER_DIR=$(PEER_DIR) CC="$(CC)" scripts/bench/peer.sh avx2)
	$(Q)scripts/bench/compare.py --peer $(PEER_DIR) --ponder $(BUILD)/ponder \
	  --random-model $(BUILD)/scripts/bench/random_model $(if $(ISA),--isa $(ISA)) $(if $(R),--repetitions $(R)) \
	  $(if $(THREADS),--threads $(THREADS)) $(if $(MODELS),--only "$(MODELS)") \
	  $(if $(filter quick,$(BENCH)),--quick) $(if $(RESUME),--resume)

test-programs: $(TESTS)

# All of the suite on other machines, under qemu: long.
cross:
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/test EXTRA_CFLAGS="-DPD_DEBUG" all
	$(Q)BUILD=$(BUILD)/test CC="$(CC)" PONDER_CROSS=full sh tests/cross.sh

# memcheck, see the script.
valgrind: | $(filter deps,$(MAKECMDGOALS))
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/test EXTRA_CFLAGS="-DPD_DEBUG" all \
	  $(BUILD)/test/tests/kernels/test_kernels
	$(Q)BUILD=$(BUILD)/test CC="$(CC)" scripts/valgrind.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include
	install -m 755 $(BUILD)/ponder $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(BUILD)/libponder.a $(DESTDIR)$(PREFIX)/lib/
	install -m 644 src/ponder.h $(DESTDIR)$(PREFIX)/include/

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' -not -path '$(BUILD)/test/*' -not -path '$(BUILD)/san/*' 2>/dev/null)
