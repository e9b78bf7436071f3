package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/fnvet/fnvet/unpack/remote"
)

// admissionReview is the part of Kubernetes' admission.k8s.io/v1 that is read and
// written here. https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
type admissionReview struct {
	APIVersion string             `json:"apiVersion"`
	Kind       string             `json:"kind"`
	Request    *admissionRequest  `json:"request,omitempty"`
	Response   *admissionResponse `json:"response,omitempty"`
}

type admissionRequest struct {
	UID       string          `json:"uid"`
	Operation string          `json:"operation"`
	Object    json.RawMessage `json:"object"`
}

type admissionResponse struct {
	UID      string           `json:"uid"`
	Allowed  bool             `json:"allowed"`
	Status   *admissionStatus `json:"status,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`
}

type admissionStatus struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

type podContainer struct {
	Image string `json:"image"`
}

type podSpec struct {
	Containers          []podContainer `json:"containers"`
	InitContainers      []podContainer `json:"initContainers"`
	EphemeralContainers []podContainer `json:"ephemeralContainers"`
}

// images lists the images of a pod, or of the pods that an object makes.
func images(object []byte) ([]string, error) {
	var o struct {
		Spec struct {
			podSpec
			Template struct {
				Spec podSpec `json:"spec"`
			} `json:"template"`
			JobTemplate struct {
				Spec struct {
					Template struct {
						Spec podSpec `json:"spec"`
					} `json:"template"`
				} `json:"spec"`
			} `json:"jobTemplate"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(object, &o); err != nil {
		return nil, err
	}
	var list []string
	for _, p := range []podSpec{o.Spec.podSpec, o.Spec.Template.Spec, o.Spec.JobTemplate.Spec.Template.Spec} {
		for _, c := range [][]podContainer{p.InitContainers, p.Containers, p.EphemeralContainers} {
			for _, one := range c {
				list = append(list, one.Image)
			}
		}
	}
	return list, nil
}

// admission says whether the images of an object may run: each must be named by a
// digest that was judged and passes. What cannot be told is refused; whether that
// stops the object is for failurePolicy and the webhook's rules to say.
func (s *Server) admission(w http.ResponseWriter, r *http.Request) error {
	var review admissionReview
	if err := readJSON(w, r, &review, false); err != nil {
		return err
	}
	if review.Request == nil || review.Request.UID == "" || review.Kind != "AdmissionReview" || !strings.HasPrefix(review.APIVersion, "admission.k8s.io/") {
		return fault(http.StatusBadRequest, "the body is no AdmissionReview")
	}
	answered := &admissionResponse{UID: review.Request.UID, Allowed: true}
	if review.Request.Operation != "DELETE" {
		list, err := images(review.Request.Object)
		if err != nil {
			return fault(http.StatusBadRequest, "the object of the review cannot be read")
		}
		for _, image := range list {
			why, err := s.refuses(r.Context(), image)
			if err != nil {
				return err
			}
			if why != "" {
				answered.Allowed = false
				answered.Status = &admissionStatus{http.StatusForbidden, "fnvet: " + image + ": " + why}
				break
			}
		}
	}
	return answer(w, http.StatusOK, admissionReview{APIVersion: review.APIVersion, Kind: review.Kind, Response: answered})
}

// admissionByPath is for Kubernetes, whose webhooks can be given a path and no
// header: the token is at its end.
func (s *Server) admissionByPath(w http.ResponseWriter, r *http.Request) error {
	admitted, p := s.gate.admit(r, ScopeRead, func(r *http.Request) *caller {
		if s.gate.open {
			return anybody()
		}
		return s.gate.byToken(r.PathValue("token"))
	})
	if p != nil {
		return p
	}
	return s.admission(w, admitted)
}

// refuses says why an image may not run, or "".
func (s *Server) refuses(ctx context.Context, image string) (string, error) {
	ref, err := remote.ParseReference("docker://" + image)
	if err != nil {
		return "not a reference of an image", nil
	}
	if ref.Digest == "" {
		return "named by a tag, which may move; name it by its digest", nil
	}
	list, err := s.Store.Verdicts(ctx, ref.Digest)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "never scanned", nil
	}
	if a := worst(list); a.Code != 0 {
		return fmt.Sprintf("does not pass (code %d): %s", a.Code, strings.Join(a.Reasons, "; ")), nil
	}
	return "", nil
}
