package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/fnvet/fnvet/scan"
	"github.com/fnvet/fnvet/server"
	"github.com/fnvet/fnvet/server/store"
	"github.com/fnvet/fnvet/unpack/remote"
)

// sentByOthers keeps the layers of uploads apart from those of registries. What a
// child says of a registry's image is held against the image's own manifest; an upload
// is opened by the child alone.
const sentByOthers = " sent"

// shareLayers keeps what is found in layers in the store, sealed with the store's
// key, unless --cache names a directory.
func (s *service) shareLayers(ctx context.Context, st *store.Store) error {
	if s.request.keeper != nil {
		return nil
	}
	key, err := st.Key(ctx)
	if err != nil {
		return err
	}
	s.request.keeper = &scan.Sealed{Key: layerKey(key), Place: storedLayers{st}}
	return nil
}

// storedLayers are the layers in a store, as a scan.Place.
type storedLayers struct{ *store.Store }

// Load returns an entry.
func (l storedLayers) Load(ctx context.Context, name string) ([]byte, error) {
	return l.Layer(ctx, name)
}

// Save keeps an entry.
func (l storedLayers) Save(ctx context.Context, name string, data []byte) error {
	return l.PutLayer(ctx, name, data)
}

// keepLayers keeps what the walk of a target found in layers that nobody had searched.
// Failing to is no failure of the scan.
func (s *service) keepLayers(ctx context.Context, t *server.Target, q walkRequest, h *scan.Harvest) {
	if t.Layers != nil {
		t.Layers(h.Layers.Known, h.Layers.Searched)
	}
	var err error
	if t.Registry != nil && len(h.Fresh) > 0 && q.keeper != nil {
		var own map[scan.LayerKey]bool
		own, err = layersOf(ctx, t, h.Artifact.Digest)
		h.Fresh = slices.DeleteFunc(h.Fresh, func(l scan.LayerKey) bool { return !own[l] })
	}
	if err = errors.Join(err, q.keep(ctx, h)); err != nil && ctx.Err() == nil {
		s.logger.Warn("what is in layers could not be kept", "error", err.Error())
	}
}

// layersOf lists the layers of an image as its manifest and configuration state them,
// fetched and checked here: a child that was taken over cannot speak for the layers of
// other images. chosen is the digest of the manifest that was scanned, where the target
// is an index.
func layersOf(ctx context.Context, t *server.Target, chosen string) (map[scan.LayerKey]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	client, err := remote.Dial(ctx, registryImage(t), remote.Options{Insecure: t.Registry.Insecure, Fence: t.Registry.Fence()})
	if err != nil {
		return nil, err
	}
	m, err := manifestOf(ctx, client, t.Digest)
	if err != nil {
		return nil, err
	}
	if chosen != t.Digest {
		if !slices.ContainsFunc(m.Manifests, func(d described) bool { return d.Digest == chosen }) {
			return nil, errors.New("the manifest that was scanned is not of this image")
		}
		if m, err = manifestOf(ctx, client, chosen); err != nil {
			return nil, err
		}
	}
	if !remote.IsDigest(m.Config.Digest) {
		return nil, errors.New("the manifest names no configuration")
	}
	blob := client.Blob(ctx, m.Config.Digest)
	defer blob.Close()
	raw, err := io.ReadAll(io.LimitReader(blob, maxManifestBytes))
	if err != nil {
		return nil, err
	}
	var config struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := checked(raw, m.Config.Digest, &config); err != nil {
		return nil, err
	}
	own := map[scan.LayerKey]bool{}
	for i, l := range m.Layers[:min(len(m.Layers), len(config.RootFS.DiffIDs))] {
		own[scan.LayerKey{Digest: l.Digest, DiffID: config.RootFS.DiffIDs[i]}] = true
	}
	return own, nil
}

// described is a reference of a manifest to another part of an image.
type described struct {
	Digest string `json:"digest"`
}

// imageManifest is what of a manifest or an index tells layers.
type imageManifest struct {
	Config    described   `json:"config"`
	Layers    []described `json:"layers"`
	Manifests []described `json:"manifests"`
}

func manifestOf(ctx context.Context, client *remote.Client, digest string) (m imageManifest, err error) {
	raw, err := client.Manifest(ctx, digest, maxManifestBytes)
	if err != nil {
		return m, err
	}
	return m, checked(raw, digest, &m)
}

// checked decodes JSON that has to have a digest.
func checked(raw []byte, digest string, into any) error {
	sum := sha256.Sum256(raw)
	if "sha256:"+hex.EncodeToString(sum[:]) != digest {
		return fmt.Errorf("the registry answers to %s with something else", digest)
	}
	return json.Unmarshal(raw, into)
}
