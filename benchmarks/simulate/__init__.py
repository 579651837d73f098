"""False-alarm rates and delays of every detector, by seeded simulation; `python -m benchmarks.simulate
--help`."""
