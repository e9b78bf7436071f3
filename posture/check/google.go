package check

import (
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/posture/model"
)

// Roles of Google that, bound on a whole project, read in bulk what others wrote:
// https://cloud.google.com/iam/docs/roles-permissions
var bulkRoles = []string{
	"roles/secretmanager.secretAccessor", "roles/storage.objectViewer", "roles/storage.objectUser", "roles/storage.objectAdmin",
	"roles/cloudkms.cryptoKeyDecrypter", "roles/cloudkms.cryptoKeyEncrypterDecrypter", "roles/bigquery.dataViewer",
}

// Roles that, bound on a whole project, lead to those of other accounts: by acting as
// them, by deploying what runs as them, or by binding more roles.
var escalatingRoles = []string{
	"roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountKeyAdmin", "roles/iam.serviceAccountAdmin",
	"roles/iam.securityAdmin", "roles/iam.roleAdmin", "roles/resourcemanager.projectIamAdmin", "roles/deploymentmanager.editor",
}

// projectRoles judges what the service accounts of functions may do in a whole project.
func (r *run) projectRoles() {
	for _, role := range r.m.Roles {
		users := r.functionsOf(role)
		for _, t := range role.Managed.Items {
			name, ok := t.Literal()
			if !ok || !strings.HasPrefix(name, "roles/") {
				continue
			}
			where := at{pos: model.At(t.Pos, role.Managed.Pos, role.Pos), resource: sole(role, users), key: name}
			switch {
			case slices.Contains(bulkRoles, name):
				where.severity = worse(fnvet.Medium, exposed(users) || strings.HasPrefix(name, "roles/secretmanager.") || strings.HasPrefix(name, "roles/cloudkms."))
				r.add(iamBulkRead, where, "%s on the whole project", name)
			case slices.Contains(escalatingRoles, name):
				where.severity = fnvet.High
				r.add(iamEscalation, where, "%s on the whole project", name)
			}
		}
	}
}

// storeRoles are those that write to a store, by the kind of its events.
var storeRoles = map[fnvet.TriggerKind][]string{
	fnvet.TriggerBucket: {"roles/storage.objectCreator", "roles/storage.objectUser", "roles/storage.objectAdmin", "roles/storage.admin", "roles/storage.legacyBucketWriter", "roles/storage.legacyBucketOwner"},
	fnvet.TriggerTopic:  {"roles/pubsub.publisher", "roles/pubsub.editor", "roles/pubsub.admin"},
}

// boundBack reports whether a binding on the trigger's source, or on the project, lets
// the function's service account write there.
func (r *run) boundBack(f *model.Function, t *model.Trigger) (pos model.Pos, ok bool) {
	for _, id := range f.Roles {
		account := r.m.FindRole(id)
		if f.Cloud != model.Google || account == nil {
			continue
		}
		for _, s := range r.sourceStatements(t) {
			mine := slices.ContainsFunc(s.Principals, func(p model.Principal) bool { return account.Denotes(p.ID) })
			for _, a := range s.Actions.Items {
				if name, known := a.Literal(); mine && known && !s.Open && slices.Contains(storeRoles[t.Kind], name) {
					return model.At(a.Pos, s.Pos), true
				}
			}
		}
	}
	return model.Pos{}, false
}

// sourceStatements are those of the bucket or topic that starts a function.
func (r *run) sourceStatements(t *model.Trigger) []*model.Statement {
	var out []*model.Statement
	for _, b := range r.m.Buckets {
		if b.May(t.Source) {
			out = append(out, b.Statements...)
		}
	}
	for _, x := range r.m.Topics {
		if x.May(t.Source) {
			out = append(out, x.Statements...)
		}
	}
	return out
}
