# `make demo` and `make test` set up everything they need in .venv; nothing is installed outside it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

.PHONY: demo test test-slow lint docs wheel check-gallery gallery bench proofs clean

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "verifier needs Python 3.11 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,data,cluster,docs]"
	@touch $@

demo: $(INSTALLED)  ## two small networks on Breast Cancer: train, certify, check, report
	$(BIN)/python -m verifier train --data paper-breast-cancer --loss logistic --protocol paper --width 20 --seeds 0:2 --out 'demo/{seed}.pt'
	$(BIN)/python -m verifier certify --pair demo/0.pt demo/1.pt --exhaustive --out demo/demo.safetensors --report demo/demo.html
	$(BIN)/python -m verifier check demo/demo.safetensors --reference
	@echo "Open demo/demo.html in a browser; demo/demo.safetensors is the certificate."

test: $(INSTALLED)  ## the fast suite, under 10 minutes on two cores
	$(BIN)/pytest -m "not slow" -n 2

test-slow: $(INSTALLED)
	$(BIN)/pytest -m slow -n 2

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(INSTALLED)  ## the documentation site, in build/site; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open build/site/index.html in a browser."

wheel: $(INSTALLED)  ## build/dist/*.whl; `make test-slow` tries it in clean environments
	rm -rf build/dist build/lib build/bdist.*
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps -w build/dist .
	@ls build/dist

proofs:  ## check the proofs with Coq from scratch, and build the checker that they are about (docs/proofs.md)
	$(MAKE) -C proofs --no-print-directory clean
	$(MAKE) -C proofs --no-print-directory -j2
	@echo "Every theorem is checked; proofs/driver/verifier-proved is built: verifier check --proved CERTIFICATE."

check-gallery: $(INSTALLED)  ## re-check every committed certificate with both evaluations, two at a time, the largest first
	ls -S certificates/*.safetensors certificates/audit/*.safetensors | xargs -n 1 -P 2 $(BIN)/python -m verifier check --reference

gallery: $(INSTALLED)  ## make the committed certificates and reports again
	$(BIN)/python -m benchmarks.gallery
	$(BIN)/python -m verifier audit baturin2026 nguyen2021 karhadkar2023 --trials 10 --out build/audits --certificates --no-report

bench: $(INSTALLED)
	$(BIN)/pytest benchmarks --benchmark-only

clean:
	rm -rf $(VENV) demo
