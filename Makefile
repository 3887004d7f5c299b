# Everything here works from a fresh clone; the first target that needs it makes the environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo front serve kills-desk test check bench validity ablation kills fuzz fuzz-layers fuzz-files fuzz-runs audit-deps lock clean format

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "minerisk needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Set PYTHON=…"; exit 2; }
	@echo "Installing into $(VENV) from requirements.lock (about two minutes the first time)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q configs features models pipelines minerisk  # pip does the others
	@touch $@

# Scripts and styles of the request desk: packages by front/package-lock.json, nothing committed.
FRONT := pipelines/service/pages/static/desk.js
$(FRONT): $(INSTALLED) front/package-lock.json front/build.py front/bundle.mjs $(wildcard front/source/*)
	$(BIN)/python front/build.py

front: $(FRONT)  ## scripts and styles of the request desk

demo: $(INSTALLED)  ## the whole job on the embedded study area, with SIMULATED findings
	$(BIN)/minerisk run configs/karabakh.yaml --out runs/karabakh

serve: $(INSTALLED) $(FRONT)  ## the request desk on the demo's run, at an address of this machine; tells how to sign in
	@test -f runs/karabakh/manifest.json || $(MAKE) demo
	$(BIN)/minerisk desk try karabakh --home runs/.desk --runs runs

kills-desk: $(INSTALLED)  ## kill the desk's server or worker at 200 seeded instants (hours)
	$(BIN)/minerisk run configs/tiny.yaml --out build/kills/desk/tiny --by "staff 12"
	$(BIN)/python -m tests.faults.desk_kills build/kills/desk/tiny --count 200

test: $(INSTALLED) $(FRONT)  ## the tests, by two workers, file by file
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(INSTALLED)  ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/count_loose_types.py

format: $(INSTALLED)  ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED)  ## benchmarks: ratios inside one run, peers from requirements-bench.lock
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements-bench.lock
	$(BIN)/python -m pytest -m benchmark -s tests/benchmarks

validity: $(INSTALLED)  ## long checks of what the numbers promise (an hour), written to docs/validity.md
	OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m validity \
	  --junitxml=build/validity/tests.xml tests/validity; \
	  status=$$?; $(BIN)/python -m docs.build.validity_page --tests build/validity/tests.xml; \
	  page=$$?; [ $$status -ne 0 ] && exit $$status || exit $$page

ablation: $(INSTALLED)  ## what each family of features is worth (an hour; needs MINERISK_DATA), written to docs/features.md
	$(BIN)/minerisk ablate configs/bosnia_wide.yaml --out runs/ablation_bosnia --into docs/features/ablation.json
	$(BIN)/minerisk ablate configs/karabakh_wide.yaml --out runs/ablation_karabakh --into docs/features/ablation.json
	$(BIN)/python -m docs.build.features_page

fuzz-layers: $(INSTALLED)  ## 10,000 layers, each read three ways (half an hour), written to docs/reliability.md
	$(BIN)/python -W ignore -m tests.fuzz.layers --count 10000; status=$$?; \
	  $(BIN)/python -m docs.build.reliability_page && exit $$status

kills: $(INSTALLED)  ## kill every command at seeded instants and go on (an hour), written to docs/reliability.md
	OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.faults.kills --count 200; \
	  status=$$?; $(BIN)/python -m docs.build.reliability_page && exit $$status

fuzz: fuzz-layers fuzz-files fuzz-runs  ## every kind of input changed at random (hours)

fuzz-runs: $(INSTALLED)  ## files of a finished run changed at random, a hundred thousand times (an hour)
	$(BIN)/minerisk run configs/tiny.yaml --out build/fuzz/tiny --by "staff 12"
	$(BIN)/python -m tests.fuzz.runs build/fuzz/tiny --count 100000; status=$$?; \
	  $(BIN)/python -m docs.build.reliability_page && exit $$status

fuzz-files: $(INSTALLED)  ## layers with bytes changed by chance (COUNT=5000), written to docs/reliability.md
	$(BIN)/python -W ignore -m tests.fuzz.files --count $(or $(COUNT),5000); status=$$?; \
	  $(BIN)/python -m docs.build.reliability_page && exit $$status

audit-deps: $(INSTALLED)  ## locked versions against advisories: OSV=all.zip, an export of OSV for PyPI
	@$(BIN)/python -m tests.audit_dependencies $(OSV)

lock: $(INSTALLED)  ## resolve the two locks anew, for every Python from 3.11
	$(BIN)/uv pip compile --quiet pyproject.toml --extra serve --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --group bench --universal --python-version 3.11 -c requirements.lock \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements-bench.lock

clean:
	rm -rf $(VENV) runs build dist front/node_modules pipelines/service/pages/static .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
