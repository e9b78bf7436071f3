module example.com/gofn

go 1.21

require (
	golang.org/x/crypto v0.6.0
	golang.org/x/net v0.7.0
)

require golang.org/x/sys v0.5.0 // indirect
