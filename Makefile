# Two commands do everything: `make demo` and `make test`. Plain pip lines are in README.md.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= results/demo

.PHONY: demo test slow docs clean

demo: .venv/.ready
	$(BIN)/napari-fusion demo --out $(OUT)

test: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

slow: .venv/.ready
	$(BIN)/pytest -m slow

docs: .venv/.ready
	$(BIN)/pip install -q -c constraints.txt -e ".[docs]"
	$(BIN)/mkdocs build --strict

.venv/.ready: pyproject.toml constraints.txt scripts/debian-packages.sh
	sh scripts/debian-packages.sh
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e ".[all,test]"
	touch $@

clean:
	rm -rf .venv results site dist
