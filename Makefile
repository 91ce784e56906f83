# The commands for users and contributors; everything else is in CMake (CMakePresets.json).
.PHONY: deps build install quickstart test test-python deb deb-test docker-test wheel wheel-test test-pages check tidy bench bench-176b cuda gpu-check gpu-check-emulated test-cuda-emulated interop faults format docs sanitize sanitize-threads serve-clients serve-openapi serve-load serve-soak fuzzers fuzz fuzz-smoke coverage clean

PRESET ?= release
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

build: deps        ## build the programs build/release/bin/lacos and, for `lacos serve`, lacos-serve
	@cmake --preset $(PRESET) >/dev/null
	@tools/build.py --preset $(PRESET) --jobs $(JOBS) lacos lacos-serve

install: build     ## install program, library, headers, man pages and docs into PREFIX (under DESTDIR, for packagers)
	@tools/build.py --preset $(PRESET) --jobs $(JOBS) lacos_shared
	@tools/make_man_pages.py --program build/$(PRESET)/bin/lacos --output build/$(PRESET)/man
	@DESTDIR=$(DESTDIR) cmake --install build/$(PRESET) --prefix $(PREFIX)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

deps:              ## install the Debian packages that lacos needs
	@tools/install_deps.sh

quickstart:        ## quantize, train, evaluate and embed the bundled demo; builds the program without `lacos serve`
	@tools/install_deps.sh --core
	@cmake --preset $(PRESET) >/dev/null
	@tools/build.py --preset $(PRESET) --jobs $(JOBS) lacos
	@examples/quickstart.sh

test: deps check   ## build everything, check levels, format and docs, run all tests
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build --preset $(PRESET) --parallel $(JOBS)
	@python3 tools/make_cli_docs.py --program build/$(PRESET)/bin/lacos --check
	@ctest --preset $(PRESET) --label-exclude emulated
	@ctest --preset $(PRESET) --label-regex emulated --parallel $(JOBS)

test-python: build ## test the Python package in a fresh virtual environment
	@tools/test_python.sh build/$(PRESET)/bin/lacos

deb: deps          ## make the Debian packages lacos, liblacos0 and liblacos-dev, in dist/
	@cmake --preset $(PRESET) -DLACOS_CUDA=OFF >/dev/null  # packages have no GPU code; the next `make build` is AUTO again, as its preset says
	@tools/build.py --preset $(PRESET) --jobs $(JOBS) lacos lacos-serve lacos_shared
	@tools/make_man_pages.py --program build/$(PRESET)/bin/lacos --output build/$(PRESET)/man
	@cd build/$(PRESET) && cpack
	@ls -l dist/*.deb

deb-test:          ## install, upgrade and purge the packages of `make deb` in a minimal Debian system (needs root)
	@tools/test_deb.sh

docker-test:       ## follow examples/serve/Dockerfile with the package of `make deb` in a minimal Debian system, without docker (needs root)
	@tools/test_dockerfile.py

wheel: deps        ## make a Python wheel with the program and all libraries inside, in dist/
	@tools/make_wheel.sh

wheel-test:        ## try the wheel of `make wheel` in a minimal Debian system (needs root)
	@tools/test_wheel.sh

test-pages: build  ## test the pages of a run, evaluations and a sweep in headless Chromium: wide and narrow, light and dark, printed
	@tools/install_deps.sh --pages
	@tools/test_pages.sh

check:             ## check includes between folders, formatting, Python's rules (ruff), the pages of docs/ and generated tables
	@python3 tools/check_layers.py --self-test
	@python3 tools/check_layers.py
	@python3 tools/check_docs.py --self-test
	@python3 tools/check_docs.py
	@python3 tools/make_performance_docs.py --check
	@python3 tools/make_results_docs.py --check
	@python3 tools/gpu_report.py --self-test
	@tools/ruff.sh
	@git ls-files '*.cc' '*.h' '*.c' '*.cu' | xargs clang-format --dry-run --Werror

tidy: deps         ## run clang-tidy (.clang-tidy) on the library and the program: ten minutes of processor time
	@tools/install_deps.sh --tidy
	@cmake --preset debug >/dev/null  # it compiles files one by one; the release preset's commands are for groups of files
	@cmake --build --preset debug --target lacos_commit
	@git ls-files 'src/*.cc' 'apps/*.cc' | xargs -P $(JOBS) -n 4 clang-tidy --quiet -p build/debug

format:
	@git ls-files '*.cc' '*.h' '*.c' '*.cu' | xargs clang-format -i

docs: build        ## write docs/cli.md from --help, and docs/settings.md and related files from the list of settings
	@python3 tools/make_cli_docs.py --program build/$(PRESET)/bin/lacos
	@cmake --build --preset $(PRESET) --target settings_files --parallel $(JOBS)
	@build/$(PRESET)/bin/settings_files .

bench: deps        ## run the micro-benchmarks; results are shares of a ceiling that is measured with them
	@cmake --preset release >/dev/null
	@cmake --build --preset release --parallel $(JOBS)
	@bench/run.sh

bench-176b: build  ## run a layer of BLOOM-176B (2.5 GB of random codes) streamed and resident: bytes, peak memory
	@cmake --build --preset $(PRESET) --target train_test --parallel $(JOBS)
	@bench/layer_176b.sh build/$(PRESET)/bin

faults: build      ## test every fault of docs/reliability.md, of which ctest tests a sample
	@cmake --build --preset $(PRESET) --target faults_test --parallel $(JOBS)
	@LACOS_FAULTS_FULL=1 TMPDIR=$$([ -d /dev/shm ] && echo /dev/shm || echo /tmp) build/$(PRESET)/bin/faults_test

cuda: deps         ## build the program with the CUDA backend, build/cuda-on/bin/lacos (nvcc: tools/install_cuda.sh)
	@command -v nvcc >/dev/null || [ -x /usr/local/cuda/bin/nvcc ] || tools/install_cuda.sh
	@cmake --preset cuda-on $(CUDA_FLAGS) >/dev/null
	@tools/build.py --preset cuda-on --jobs $(JOBS) lacos

gpu-check: cuda    ## test and measure lacos on this machine's GPU, in eight minutes (docs/gpu.md)
	@cmake --build build/cuda-on --target cuda_gpu_test gpu_bench --parallel $(JOBS)
	@cmake --preset release -DLACOS_CUDA=EMULATED >/dev/null
	@cmake --build --preset release --target cuda_emulated_test --parallel $(JOBS)
	@LACOS_CUDA_GOLDENS=build/gpu-goldens.txt build/release/bin/cuda_emulated_test --gtest_filter='CudaGoldens.*' --gtest_brief=1
	@tools/gpu_check.sh --build build/cuda-on --goldens build/gpu-goldens.txt --output gpu-check.jsonl

gpu-check-emulated: deps ## run the script of gpu-check on an emulated GPU with tiny shapes, which shows that the script works
	@cmake --preset release -DLACOS_CUDA=EMULATED >/dev/null
	@cmake --build --preset release --target cuda_emulated_test lacos-emulated gpu_bench --parallel $(JOBS)
	@LACOS_CUDA_GOLDENS=build/gpu-goldens.txt build/release/bin/cuda_emulated_test --gtest_filter='CudaGoldens.*' --gtest_brief=1
	@tools/gpu_check.sh --emulated --build build/release --goldens build/gpu-goldens.txt --output build/gpu-check-emulated.jsonl
	@tools/gpu_report.py build/gpu-check-emulated.jsonl

test-cuda-emulated: deps ## test the CUDA kernels in the emulator: all cases, in three orders of threads, without each barrier
	@cmake --preset release -DLACOS_CUDA=EMULATED >/dev/null
	@cmake --build --preset release --target cuda_emulated_test cuda_training_test --parallel $(JOBS)
	@LACOS_CUDA_TESTS=long build/release/bin/cuda_emulated_test --gtest_brief=1
	@LACOS_CUDA_TESTS=long build/release/bin/cuda_training_test --gtest_brief=1

interop: build     ## compare with the installed Python packages, in a separate virtual environment
	@tools/interop/run.sh

serve-clients: build  ## run OpenAI's, LangChain's, LlamaIndex's, Haystack's and other clients against the server, in a separate virtual environment
	@tests/serve/run_clients.sh

serve-openapi: serve-clients  ## ask the server what /openapi.json allows and what it does not, with schemathesis
	@tests/serve/schemathesis.sh

serve-load: build  ## the long forms of the server's tests: hostile requests, slow connections, faults of the network, 200 stops, failing allocations
	@LACOS_SERVE_FULL=1 python3 tests/serve/serve_test.py --verbose
	@cmake --build --preset $(PRESET) --parallel $(JOBS) --target fault_injection
	@LACOS_SERVE_FULL=1 python3 tests/serve/memory_test.py --verbose

SOAK_SECONDS ?= 3600
serve-soak: build  ## mixed load on one server for SOAK_SECONDS: memory, descriptors and vectors stay
	@python3 tests/serve/soak.py --seconds $(SOAK_SECONDS)

sanitize: deps     ## run all tests with AddressSanitizer and UndefinedBehaviorSanitizer
	@cmake --preset asan-ubsan >/dev/null
	@cmake --build --preset asan-ubsan --parallel $(JOBS)
	@ctest --preset asan-ubsan

sanitize-threads:  ## run the tests of multi-threaded code with ThreadSanitizer
	@tools/install_deps.sh --threads
	@cmake --preset tsan >/dev/null
	@cmake --build --preset tsan --parallel $(JOBS)
	@ctest --preset tsan

fuzzers:
	@tools/install_deps.sh --fuzz
	@cmake --preset fuzz >/dev/null
	@cmake --build --preset fuzz --parallel $(JOBS)

SECONDS ?= 900
fuzz: fuzzers      ## fuzz one target: make fuzz TARGET=tokenizer SECONDS=900 (fuzz/report.sh writes the table of the docs)
	@fuzz/run.sh $(TARGET) $(SECONDS)

fuzz-smoke: fuzzers ## fuzz every target for five seconds from its seeds and regressions (a minute on two cores)
	@fuzz/smoke.sh

coverage:          ## run all tests in an instrumented build, then show the covered lines by folder and file
	@tools/install_deps.sh --coverage
	@cmake --preset coverage >/dev/null
	@cmake --build --preset coverage --parallel $(JOBS)
	@find build/coverage -name '*.gcda' -delete
	@ctest --preset coverage || true
	@tools/coverage.py --files

clean:
	@rm -rf build
