package main

import (
	"encoding/json"
	"time"
)

// An image is what both image forms are written from, layers lowest first.
type image struct {
	tag      string
	env      []string
	layers   [][]byte // uncompressed tars
	commands []string // what made each layer
}

// twoLayers is a Debian 12 image. Its second layer deletes a package (minimist)
// and a private key, hides a whole folder by an opaque whiteout, and brings a
// newer curl. Its environment holds two secrets.
func twoLayers(k *kitchen) (image, error) {
	base, err := k.done(tarred,
		[]entry{
			k.own("image/os-release", "", "usr/lib/os-release"),
			link("etc/os-release", "../usr/lib/os-release"),
			k.own("image/status-1", "", "var/lib/dpkg/status"),
			k.own("image/index.js", "", "app/index.js"),
			k.own("image/package.json", "", "app/package.json"),
			k.own("image/id_ed25519", "", "root/.ssh/id_ed25519"),
			k.own("image/readme.txt", "", "opt/tools/old/readme.txt"),
			link("app/node_modules/.bin/mkdirp", "../mkdirp/bin/cmd.js"),
		},
		k.from("npm/minimist@1.2.0", "app/node_modules/minimist/", minimistFiles()...),
		k.from("npm/mkdirp@0.5.1", "app/node_modules/mkdirp/", mkdirpFiles()...),
		k.from("npm/minimist@0.0.8", "app/node_modules/mkdirp/node_modules/minimist/", minimistFiles()...),
		k.from("npm/@hapi/hoek@8.3.0", "app/node_modules/@hapi/hoek/", hoekFiles()...),
		k.wheel("opt/tools/", "pypi/idna@2.7", "idna-2.7.dist-info", "LICENSE.txt", "idna/__init__.py", "idna/package_data.py"),
	)
	if err != nil {
		return image{}, err
	}
	top, err := k.done(tarred, []entry{
		{name: "app/node_modules/.wh.minimist"},
		{name: "root/.ssh/.wh.id_ed25519"},
		{name: "opt/tools/.wh..wh..opq"},
		{name: "opt/tools/new.txt", data: []byte("new tools\n")},
		k.own("image/status-2", "", "var/lib/dpkg/status"),
	})
	return image{
		tag: "fnvet-test/two-layers:1",
		env: []string{
			"PATH=/usr/local/bin:/usr/bin:/bin",
			k.plant("AWS_ACCESS_KEY_ID=@@aws-key-id@@", "env:AWS_ACCESS_KEY_ID"),
			k.plant("PAYMENTS_API_TOKEN=@@generic@@", "env:PAYMENTS_API_TOKEN"),
		},
		layers:   [][]byte{base, top},
		commands: []string{"COPY rootfs/ / # buildkit", "RUN /bin/sh -c tidy-up # buildkit"},
	}, err
}

func imageDocker(k *kitchen) ([]byte, error) {
	img, err := twoLayers(k)
	if err != nil {
		return nil, err
	}
	return img.dockerSave()
}

func imageOCI(k *kitchen) ([]byte, error) {
	img, err := twoLayers(k)
	if err != nil {
		return nil, err
	}
	return img.ociLayout()
}

// imageAlpine is one layer with an apk database.
func imageAlpine(k *kitchen) ([]byte, error) {
	base, err := k.done(tarred, []entry{
		k.own("image-alpine/os-release", "", "etc/os-release"),
		k.own("image-alpine/installed", "", "lib/apk/db/installed"),
	})
	if err != nil {
		return nil, err
	}
	return image{
		tag: "fnvet-test/alpine:1", env: []string{"PATH=/usr/bin:/bin"},
		layers: [][]byte{base}, commands: []string{"ADD rootfs.tar.gz / # buildkit"},
	}.dockerSave()
}

type object = map[string]any

// config is the image config of the OCI image specification, which docker shares.
func (img image) config() ([]byte, error) {
	var ids []string
	var history []object
	for i, layer := range img.layers {
		ids = append(ids, "sha256:"+digest(layer))
		history = append(history, object{"created": stamp().Format(time.RFC3339), "created_by": img.commands[i]})
	}
	history = append(history, object{"created": stamp().Format(time.RFC3339), "created_by": `CMD ["index.handler"]`, "empty_layer": true})
	return json.Marshal(object{
		"architecture": "amd64", "os": "linux", "created": stamp().Format(time.RFC3339),
		"config": object{
			"Env": img.env, "Cmd": []string{"index.handler"}, "WorkingDir": "/app", "User": "0",
			"Labels": object{"org.opencontainers.image.title": img.tag},
		},
		"rootfs":  object{"type": "layers", "diff_ids": ids},
		"history": history,
	})
}

// dockerSave is the form "docker save" wrote up to version 24: a folder a layer.
func (img image) dockerSave() ([]byte, error) {
	config, err := img.config()
	if err != nil {
		return nil, err
	}
	var entries []entry
	var paths []string
	for _, layer := range img.layers {
		id := digest(layer)
		paths = append(paths, id+"/layer.tar")
		text, err := json.Marshal(object{"id": id, "created": stamp().Format(time.RFC3339)})
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{name: id + "/"}, entry{name: id + "/VERSION", data: []byte("1.0")},
			entry{name: id + "/json", data: text}, entry{name: id + "/layer.tar", data: layer})
	}
	list, err := json.Marshal([]object{{"Config": digest(config) + ".json", "RepoTags": []string{img.tag}, "Layers": paths}})
	if err != nil {
		return nil, err
	}
	return tarred(append(entries, entry{name: digest(config) + ".json", data: config}, entry{name: "manifest.json", data: list}))
}

// ociLayout is an OCI image layout in a tar, layers gzipped.
func (img image) ociLayout() ([]byte, error) {
	config, err := img.config()
	if err != nil {
		return nil, err
	}
	blobs := map[string][]byte{digest(config): config}
	describe := func(kind string, data []byte) object {
		blobs[digest(data)] = data
		return object{"mediaType": kind, "digest": "sha256:" + digest(data), "size": len(data)}
	}
	var layers []object
	for _, layer := range img.layers {
		packed, err := gzipped(layer)
		if err != nil {
			return nil, err
		}
		layers = append(layers, describe("application/vnd.oci.image.layer.v1.tar+gzip", packed))
	}
	text, err := json.Marshal(object{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": describe("application/vnd.oci.image.config.v1+json", config), "layers": layers,
	})
	if err != nil {
		return nil, err
	}
	ref := describe("application/vnd.oci.image.manifest.v1+json", text)
	ref["platform"] = object{"architecture": "amd64", "os": "linux"}
	ref["annotations"] = object{"org.opencontainers.image.ref.name": img.tag}
	index, err := json.Marshal(object{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []object{ref}})
	if err != nil {
		return nil, err
	}
	entries := []entry{
		{name: "oci-layout", data: []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{name: "index.json", data: index},
		{name: "blobs/"}, {name: "blobs/sha256/"},
	}
	for sum, data := range blobs {
		entries = append(entries, entry{name: "blobs/sha256/" + sum, data: data})
	}
	return tarred(entries)
}
