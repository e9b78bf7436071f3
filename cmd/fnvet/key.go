package main

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

const keySize = 32

// installationKey is the key of Secret.Hash: 32 random bytes, made on first use
// and kept, readable by the user alone, in the user's configuration directory.
// Where nothing can be kept it is derived from the machine's name, so that two
// runs still agree; such a key hides a secret only from those who do not know it.
func installationKey() []byte {
	if key, err := secretKey(); err == nil {
		return key
	}
	host, _ := os.Hostname()
	sum := sha256.Sum256([]byte("fnvet installation key\x00" + host))
	return sum[:]
}

// secretKey is the installation key that nobody else can know, or an error.
func secretKey() ([]byte, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, err
	}
	return keptKey(filepath.Join(dir, "fnvet", "key"))
}

func keptKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path) // #nosec G304 -- in the user's own configuration directory
	if err == nil && len(key) == keySize {
		return key, nil
	}
	if err == nil {
		return nil, errors.New("the installation key is damaged")
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return makeKey(path)
}

// makeKey writes the key beside its place and links it there, so that of several
// processes that start at once one wins and all read the same whole key.
func makeKey(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "key-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(key)
	if err = errors.Join(err, tmp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		if won, readErr := os.ReadFile(path); readErr == nil && len(won) == keySize { // #nosec G304 -- as above
			return won, nil
		}
		return nil, err
	}
	return key, nil
}
