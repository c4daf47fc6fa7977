module weir.dev/tests/interop/harness

go 1.26.0
