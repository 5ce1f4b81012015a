package events

import "strconv"

// An Operation is one change of what admins manage: the managers' keys, the catalogue of products, saved
// mappings. Each of the three is a key-value bucket. Each write of such a bucket is one Operation, with the
// write's revision in its id and in its subject.
type Operation interface {
	Event
	// Change is what the types of all operations have.
	Change() *OperationChange
}

// OperationChange says which write of a bucket an operation is, who made it, and when.
type OperationChange struct {
	Revision uint64 `json:"revision"` // of the bucket, by this write
	Manager  string `json:"manager"`  // who made it; empty: not known, such as a write by another program
	At       string `json:"at"`       // when the bucket stored it: RFC 3339, UTC, with up to nine digits of a second
}

// Change returns the receiver: an operation embeds it.
func (c *OperationChange) Change() *OperationChange { return c }

// Job is 0: an operation belongs to no import.
func (c *OperationChange) Job() JobID { return 0 }

func operationID(what string, c OperationChange) string {
	return what + "/" + strconv.FormatUint(c.Revision, 10)
}

func operationSubject(what string, c OperationChange) string {
	return "operations." + what + "." + strconv.FormatUint(c.Revision, 10)
}

// ManagerKeyCreated is a new key of a manager. Neither the key nor its digest is in the event.
type ManagerKeyCreated struct {
	OperationChange
	Key      string   `json:"key"`                // the public prefix, eight characters
	Name     string   `json:"name"`               // whose key it is
	Role     string   `json:"role"`               // admin, importer or viewer
	Products []string `json:"products,omitempty"` // short codes that it is limited to; none: not limited
}

func (e *ManagerKeyCreated) Type() string { return "ManagerKeyCreated" }
func (e *ManagerKeyCreated) ID() string   { return operationID("manager_key_created", e.OperationChange) }
func (e *ManagerKeyCreated) Subject() string {
	return operationSubject("manager_key_created", e.OperationChange)
}

// ManagerKeyRevoked says that a key does not work any more.
type ManagerKeyRevoked struct {
	OperationChange
	Key  string `json:"key"`  // the public prefix, eight characters
	Name string `json:"name"` // whose key it was
}

func (e *ManagerKeyRevoked) Type() string { return "ManagerKeyRevoked" }
func (e *ManagerKeyRevoked) ID() string   { return operationID("manager_key_revoked", e.OperationChange) }
func (e *ManagerKeyRevoked) Subject() string {
	return operationSubject("manager_key_revoked", e.OperationChange)
}

// ProductSet is a product of the catalogue, new or changed, whole.
type ProductSet struct {
	OperationChange
	Product CatalogueProduct `json:"product"`
}

func (e *ProductSet) Type() string    { return "ProductSet" }
func (e *ProductSet) ID() string      { return operationID("product_set", e.OperationChange) }
func (e *ProductSet) Subject() string { return operationSubject("product_set", e.OperationChange) }

// ProductRemoved says that a product was taken out of the catalogue. Its licenses stay.
type ProductRemoved struct {
	OperationChange
	ShortCode string `json:"short_code"` // the product's
}

func (e *ProductRemoved) Type() string { return "ProductRemoved" }
func (e *ProductRemoved) ID() string   { return operationID("product_removed", e.OperationChange) }
func (e *ProductRemoved) Subject() string {
	return operationSubject("product_removed", e.OperationChange)
}

// MappingSaved is a saved mapping, new or changed, whole.
type MappingSaved struct {
	OperationChange
	Mapping Mapping `json:"mapping"`
}

func (e *MappingSaved) Type() string    { return "MappingSaved" }
func (e *MappingSaved) ID() string      { return operationID("mapping_saved", e.OperationChange) }
func (e *MappingSaved) Subject() string { return operationSubject("mapping_saved", e.OperationChange) }

// MappingRemoved says that a saved mapping was removed. Imports that used it have it in their ImportStarted.
type MappingRemoved struct {
	OperationChange
	Name string `json:"name"` // the mapping's
}

func (e *MappingRemoved) Type() string { return "MappingRemoved" }
func (e *MappingRemoved) ID() string   { return operationID("mapping_removed", e.OperationChange) }
func (e *MappingRemoved) Subject() string {
	return operationSubject("mapping_removed", e.OperationChange)
}
