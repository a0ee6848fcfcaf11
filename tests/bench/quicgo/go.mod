module bench.local/quicgo

go 1.24.2

require github.com/quic-go/quic-go v0.54.1

require (
	golang.org/x/crypto v0.39.0 // indirect
	golang.org/x/net v0.41.0 // indirect
	golang.org/x/sys v0.34.0 // indirect
)
