package server

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/fnvet/fnvet/server/hook"
	"github.com/fnvet/fnvet/server/store"
	"github.com/fnvet/fnvet/unpack/remote"
)

// Limits of a catalogue.
const (
	maxRepositories = 100_000
	maxTags         = 10_000 // of one repository
	pollBatch       = 100
)

// poll asks for a scan of every tag of a registry's catalogue that has none: what
// the registry's notifications, which it keeps in memory, did not bring. A digest
// that was judged by the present database is known at once.
func (s *Server) poll(ctx context.Context, r *Registry) error {
	registry, options, err := r.client(ctx)
	if err != nil {
		return err
	}
	repositories, err := ggcr.Catalog(ctx, registry, options...)
	if err != nil {
		return fmt.Errorf("catalogue: %w", plainRegistry(err))
	}
	if len(repositories) > maxRepositories {
		repositories = repositories[:maxRepositories]
	}
	v, _ := s.Scanner.Version()
	var batch []store.Request
	flush := func() error {
		_, err := s.commit(ctx, batch)
		batch = batch[:0]
		return err
	}
	for _, repository := range repositories {
		if !hook.ValidRepository(repository) {
			continue
		}
		found, err := s.tags(ctx, r, registry.Repo(repository), options)
		if err != nil {
			s.Logger.Warn("a repository could not be read", "repository", repository, "error", err.Error())
			continue
		}
		for _, q := range found {
			q.Version = v
			batch = append(batch, q)
			if len(batch) == pollBatch {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

// tags lists the tags of a repository with their digests.
func (s *Server) tags(ctx context.Context, r *Registry, repo name.Repository, options []ggcr.Option) ([]store.Request, error) {
	tags, err := ggcr.List(repo, options...)
	if err != nil {
		return nil, plainRegistry(err)
	}
	var list []store.Request
	for _, tag := range tags[:min(len(tags), maxTags)] {
		if !hook.ValidTag(tag) || hook.IsReferrersTag(tag) {
			continue
		}
		d, err := ggcr.Head(repo.Tag(tag), options...)
		if err != nil {
			return list, plainRegistry(err)
		}
		if !d.MediaType.IsImage() && !d.MediaType.IsIndex() {
			continue
		}
		known, err := s.Store.Known(ctx, r.Host, repo.RepositoryStr(), d.Digest.String())
		if err != nil {
			return list, err
		}
		if !known {
			list = append(list, store.Request{Source: "poll", Registry: r.Host, Repository: repo.RepositoryStr(), Tag: tag, Digest: d.Digest.String()})
		}
	}
	return list, nil
}

// client reaches a registry within its fence, with its credentials.
func (r *Registry) client(ctx context.Context) (name.Registry, []ggcr.Option, error) {
	options := []name.Option{name.WeakValidation}
	if r.Insecure {
		options = append(options, name.Insecure)
	}
	registry, err := name.NewRegistry(r.Dial(), options...)
	if err != nil {
		return name.Registry{}, nil, fmt.Errorf("registry %s: the host is none", r.Name)
	}
	auth := authn.Anonymous
	if r.Username != "" {
		auth = authn.FromConfig(authn.AuthConfig{Username: r.Username, Password: r.Password.Reveal()})
	}
	return registry, []ggcr.Option{ggcr.WithContext(ctx), ggcr.WithAuth(auth), ggcr.WithTransport(r.transport())}, nil
}

// transport is that of the fence, and asks it for every host.
func (r *Registry) transport() *remote.Fenced { return remote.NewFenced(r.Fence(), r.Insecure) }
