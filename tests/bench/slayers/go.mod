module bench.local/slayers

go 1.24.2

require (
	github.com/gopacket/gopacket v1.3.1
	github.com/scionproto/scion v0.14.0
)

require (
	go.uber.org/multierr v1.11.0 // indirect
	go.uber.org/zap v1.27.0 // indirect
)
