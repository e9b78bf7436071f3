package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fnvet/fnvet/advisory"
)

// registryFlags are the flags of what talks to a registry about the database.
type registryFlags struct {
	db       dbFlags
	insecure bool
}

func (r *registryFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.db.dir, "db", "", "advisory database `DIR` (default: fnvet in the user's cache directory)")
	cmd.Flags().BoolVar(&r.insecure, "insecure-registry", false, "allow plain http to the registry")
}

func wantsReference(command string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return hinted{fmt.Errorf("db %s wants one reference", command), "fnvet db " + command + " registry.example/fnvet/advisories:latest"}
		}
		return nil
	}
}

func (c *cli) dbPushCommand() *cobra.Command {
	var flags registryFlags
	cmd := &cobra.Command{
		Use:   "push REF",
		Short: "Store the database in an OCI registry",
		Long: `Push verifies the database and stores it in a registry as an OCI artifact, for others to
pull. The credentials are those of the docker config.`,
		Example: "  fnvet db push registry.example/fnvet/advisories:latest",
		Args:    wantsReference("push"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := flags.db.place()
			if err != nil {
				return err
			}
			stop := c.busy("pushing to %s", args[0])
			digest, err := advisory.Push(cmd.Context(), dir, args[0], advisory.RegistryOptions{Insecure: flags.insecure})
			stop()
			if errors.Is(err, advisory.ErrNoDatabase) || errors.Is(err, advisory.ErrCorrupt) || errors.Is(err, advisory.ErrFormat) {
				return databaseError(dir, err)
			}
			if err != nil {
				return fmt.Errorf("advisory database: %w", err)
			}
			_, err = fmt.Fprintf(c.stdout, "%s@%s\n", printable(args[0]), digest)
			return err
		},
	}
	flags.add(cmd)
	return cmd
}

func (c *cli) dbPullCommand() *cobra.Command {
	var flags registryFlags
	cmd := &cobra.Command{
		Use:   "pull REF",
		Short: "Take the database from an OCI registry",
		Long: `Pull fetches a database that push stored, compares it with its digest, verifies it, and puts
it in the place of the present one, which is kept beside it.`,
		Example: "  fnvet db pull registry.example/fnvet/advisories:latest",
		Args:    wantsReference("pull"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := flags.db.place()
			if err != nil {
				return err
			}
			stop := c.busy("pulling %s", args[0])
			st, digest, err := advisory.Pull(cmd.Context(), dir, args[0], advisory.RegistryOptions{Insecure: flags.insecure})
			stop()
			if err != nil {
				return fmt.Errorf("advisory database: %w", err)
			}
			if err := c.printStatus(dir, st); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.stdout, "%-14s %s\n", "pulled", digest)
			return err
		},
	}
	flags.add(cmd)
	return cmd
}
