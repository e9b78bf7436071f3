package model

import "iter"

// A Role is what a function may do: a role of AWS, an identity with its role
// assignments of Azure, a service account with its bindings of Google.
type Role struct {
	Resource
	// Trust is who may take the role on.
	Trust []*Statement
	// Policies are those written in it and the customer's own that are attached to it.
	Policies []*Policy
	// Managed are the provider's policies or roles attached, by ARN or name:
	// "arn:aws:iam::aws:policy/AdministratorAccess", "Contributor", "roles/editor".
	Managed  List[Text]
	Boundary Value[Text]
	// Open is true when it may have policies that could not be read.
	Open bool
}

// Statements are those of all its policies.
func (r *Role) Statements() iter.Seq[*Statement] {
	return func(yield func(*Statement) bool) {
		for _, p := range r.Policies {
			for _, s := range p.Statements {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// A Policy is a document of statements.
type Policy struct {
	Resource
	Statements []*Statement
	// Open is true when there may be statements that could not be resolved.
	Open bool
	// Template is the SAM policy template or connector it was expanded from, or "".
	Template string
}

// A Statement is one statement of a policy, as IAM has them.
type Statement struct {
	Pos
	Sid    string
	Effect Value[string] // "Allow" or "Deny"
	// Actions and the rest are as written; an absent list is not in the statement.
	Actions, NotActions     List[Text]
	Resources, NotResources List[Text]
	Principals              []Principal // of trust and resource policies
	NotPrincipals           []Principal
	Conditions              []Condition
	// Open is true when there may be conditions or principals that could not be resolved.
	Open bool
	// Template is as Policy.Template.
	Template string
	// Fixed is true when Template itself says the resources: no parameter is in them.
	Fixed bool
	// Maybe is true when it is there only under a condition.
	Maybe bool
}

// A Principal is who a statement speaks of.
type Principal struct {
	Kind string // "AWS", "Service", "Federated", "CanonicalUser"; "*" for everyone
	ID   Text   // "*" for everyone
}

// A Condition is one test of a statement.
type Condition struct {
	Pos
	Operator string // "StringEquals", as written
	Key      string // "aws:SourceArn", as written
	Values   List[Text]
}

// A Permission lets others call a function (the statements of its resource policy).
type Permission struct {
	Resource
	// Function is as stated; ID of the function in the model in FunctionID, or "".
	Function   Value[Text]
	FunctionID string
	Action     Value[string]
	Principal  Value[Text] // "*", "s3.amazonaws.com", an account, "allUsers"
	// SourceARN, SourceAccount and Organization narrow it down.
	SourceARN, SourceAccount, Organization Value[Text]
	URLAuth                                Value[string] // FunctionUrlAuthType
	// Token is the EventSourceToken of Alexa and the like.
	Token Value[Text]
}
