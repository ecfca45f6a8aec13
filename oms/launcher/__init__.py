"""The parts of `oms.launch`: the demo's supervisor, translations, the tests' browser, stamps. Standard library only."""
