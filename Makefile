# Everything here works from a fresh clone; the first target that needs it makes the environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo site plugin front serve kills-desk asvs test check bench soak validity ablation kills fuzz fuzz-layers fuzz-files fuzz-runs fuzz-desk areas audit-deps lock clean format

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

site: $(INSTALLED)  ## the documentation site, with its gallery run, into build/site/html (two minutes)
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m docs.build.site

plugin:  ## the plugin of QGIS as one file, dist/minerisk_qgis.zip
	$(PYTHON) qgis_plugin/pack.py dist/minerisk_qgis.zip

serve: $(INSTALLED) $(FRONT)  ## the request desk on the demo's run, at an address of this machine; tells how to sign in
	@test -f runs/karabakh/manifest.json || $(MAKE) demo
	$(BIN)/minerisk desk try karabakh --home runs/.desk --runs runs

kills-desk: $(INSTALLED)  ## kill the desk's server, worker or database at 200 seeded instants (an hour)
	$(BIN)/minerisk run configs/tiny.yaml --out build/kills/desk/tiny --by "staff 12"
	nice $(BIN)/python -m tests.faults.desk_kills build/kills/desk/tiny --count 200; \
	  status=$$?; $(BIN)/python -m docs.build.reliability_page && exit $$status

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

soak: $(INSTALLED)  ## an hour of tiles, pages and requests: memory of the desk's server must not grow
	MINERISK_SOAK_S=3600 $(BIN)/python -m pytest -m benchmark -s tests/benchmarks/test_desk_service.py -k grow

validity: $(INSTALLED)  ## long checks of what the numbers promise (an hour), written to docs/validity.md and docs/results.md
	OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m validity \
	  --junitxml=build/validity/tests.xml tests/validity; \
	  status=$$?; $(BIN)/python -m docs.build.validity_page --tests build/validity/tests.xml \
	  --targets docs/results.md; \
	  page=$$?; [ $$status -ne 0 ] && exit $$status || exit $$page

areas: $(INSTALLED)  ## each point of docs/looked-at.md on the demo and on Bosnia (needs MINERISK_DATA; an hour with the runs)
	$(BIN)/python -m pytest -m areas --junitxml=build/areas/tests.xml tests/areas; \
	  status=$$?; $(BIN)/python -m docs.build.areas_page build/areas/tests.xml && exit $$status

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

asvs: $(INSTALLED) $(FRONT)  ## the tests of OWASP ASVS level 2, and twenty protections taken out (SEED=20)
	$(BIN)/python -m docs.build.security_page
	$(BIN)/python -m tests.pipelines.service.asvs.running --draw 20 --seed $(or $(SEED),20)

fuzz-desk: $(INSTALLED)  ## 100,000 calls of the desk made from its schema (an hour), written to docs/reliability.md
	$(BIN)/minerisk run configs/tiny.yaml --out build/fuzz/tiny --by "staff 12"
	$(BIN)/python -W ignore -m tests.fuzz.desk build/fuzz/tiny --count $(or $(COUNT),100000); status=$$?; \
	  $(BIN)/python -m docs.build.reliability_page && exit $$status

audit-deps: $(INSTALLED)  ## locked versions against advisories: OSV=all.zip, an export of OSV for PyPI
	@$(BIN)/python -m tests.audit_dependencies $(OSV)

lock: $(INSTALLED)  ## resolve the two locks anew, for every Python from 3.11
	$(BIN)/uv pip compile --quiet pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --group bench --universal --python-version 3.11 -c requirements.lock \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --output-file requirements-bench.lock

clean:
	rm -rf $(VENV) runs build dist front/node_modules pipelines/service/pages/static .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
