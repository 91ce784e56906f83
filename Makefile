# What a user or contributor types; everything else is CMake (CMakePresets.json).
.PHONY: deps build install quickstart test test-python test-pages check tidy bench bench-176b interop faults format docs sanitize sanitize-threads fuzzers fuzz fuzz-smoke coverage clean

PRESET ?= release
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

build: deps        ## the program, build/release/bin/lacos
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build --preset $(PRESET) --target lacos --parallel $(JOBS)

install: build     ## program, liblacos.so, lacos.h, lacos.pc and the docs, into PREFIX (under DESTDIR, for packagers)
	@cmake --build --preset $(PRESET) --target lacos_shared --parallel $(JOBS)
	@DESTDIR=$(DESTDIR) cmake --install build/$(PRESET) --prefix $(PREFIX)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

deps:              ## Debian packages
	@tools/install_deps.sh

quickstart: build  ## quantize, train, evaluate and embed the bundled demo
	@examples/quickstart.sh

test: deps check   ## build everything, check levels, format and docs, run all tests
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build --preset $(PRESET) --parallel $(JOBS)
	@python3 tools/make_cli_docs.py --program build/$(PRESET)/bin/lacos --check
	@ctest --preset $(PRESET)

test-python: build ## the Python package in a fresh virtual environment
	@tools/test_python.sh build/$(PRESET)/bin/lacos

test-pages: build  ## report.html of a short run in headless Chromium: wide and narrow, light and dark
	@tools/install_deps.sh --pages
	@tools/test_pages.sh

check:             ## include arrows, formatting, Python's rules (ruff), measured tables
	@python3 tools/check_layers.py --self-test
	@python3 tools/check_layers.py
	@python3 tools/make_performance_docs.py --check
	@python3 tools/make_results_docs.py --check
	@tools/ruff.sh
	@git ls-files '*.cc' '*.h' '*.c' | xargs clang-format --dry-run --Werror

tidy: build        ## clang-tidy with the checks of .clang-tidy, over the library and the program (ten minutes of processor time)
	@tools/install_deps.sh --tidy
	@git ls-files 'src/*.cc' 'apps/*.cc' | xargs -P $(JOBS) -n 4 clang-tidy --quiet -p build/$(PRESET)

format:
	@git ls-files '*.cc' '*.h' '*.c' | xargs clang-format -i

docs: build        ## docs/cli.md from --help, docs/settings.md and its companions from the list of settings
	@python3 tools/make_cli_docs.py --program build/$(PRESET)/bin/lacos
	@cmake --build --preset $(PRESET) --target settings_files --parallel $(JOBS)
	@build/$(PRESET)/bin/settings_files .

bench: deps        ## micro-benchmarks, as shares of the ceiling measured on the spot
	@cmake --preset release >/dev/null
	@cmake --build --preset release --parallel $(JOBS)
	@bench/run.sh

bench-176b: build  ## one layer of BLOOM-176B (2.5 GB of random codes) streamed and resident: equal bytes, peak memory
	@cmake --build --preset $(PRESET) --target train_test --parallel $(JOBS)
	@bench/layer_176b.sh build/$(PRESET)/bin

faults: build      ## every fault of docs/reliability.md instead of the sample in ctest
	@cmake --build --preset $(PRESET) --target faults_test --parallel $(JOBS)
	@LACOS_FAULTS_FULL=1 TMPDIR=$$([ -d /dev/shm ] && echo /dev/shm || echo /tmp) build/$(PRESET)/bin/faults_test

interop: build     ## live comparison with the Python packages, in a virtual environment of its own
	@tools/interop/run.sh

sanitize: deps     ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan-ubsan >/dev/null
	@cmake --build --preset asan-ubsan --parallel $(JOBS)
	@ctest --preset asan-ubsan

sanitize-threads:  ## the tests of what runs in several threads under ThreadSanitizer
	@tools/install_deps.sh --threads
	@cmake --preset tsan >/dev/null
	@cmake --build --preset tsan --parallel $(JOBS)
	@ctest --preset tsan

fuzzers:
	@tools/install_deps.sh --fuzz
	@cmake --preset fuzz >/dev/null
	@cmake --build --preset fuzz --parallel $(JOBS)

SECONDS ?= 900
fuzz: fuzzers      ## one target: make fuzz TARGET=tokenizer SECONDS=900; then fuzz/report.sh writes docs/reliability.md's table
	@fuzz/run.sh $(TARGET) $(SECONDS)

fuzz-smoke: fuzzers ## two minutes: every target from its seeds and regressions
	@fuzz/smoke.sh

coverage:          ## all tests in a build that counts, then which share of the lines they ran, by folder and file
	@tools/install_deps.sh --coverage
	@cmake --preset coverage >/dev/null
	@cmake --build --preset coverage --parallel $(JOBS)
	@find build/coverage -name '*.gcda' -delete
	@ctest --preset coverage || true
	@tools/coverage.py --files

clean:
	@rm -rf build
