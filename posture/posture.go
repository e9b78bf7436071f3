// Package posture tells from templates and function settings what a function may
// do and who may call it. It finds the templates, has them read into the one model
// (posture/model) by the reader of their dialect, has the checks run on that, and
// says which functions are those of the artifact.
package posture
