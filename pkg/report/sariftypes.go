package report

// The parts of SARIF 2.1.0 (OASIS, errata 01) that are written, under the standard's own names.

const (
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifVersion = "2.1.0"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool                `json:"tool"`
	Automation  sarifAutomation          `json:"automationDetails"`
	Invocations []sarifInvocation        `json:"invocations"`
	Bases       map[string]sarifArtifact `json:"originalUriBaseIds"`
	Policies    []sarifPolicy            `json:"policies,omitempty"`
	Results     []sarifResult            `json:"results"`
}

// sarifPolicy is a toolComponent of run.policies: it describes no rules, but says how those of others are used.
type sarifPolicy struct {
	Name string `json:"name"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name          string            `json:"name"`
	Version       string            `json:"version,omitempty"`
	Rules         []sarifDescriptor `json:"rules"`
	Notifications []sarifDescriptor `json:"notifications"`
}

// sarifDescriptor is a reportingDescriptor: a rule, or a kind of notification.
type sarifDescriptor struct {
	ID     string              `json:"id"`
	Short  *sarifText          `json:"shortDescription,omitempty"`
	Full   *sarifText          `json:"fullDescription,omitempty"`
	Help   *sarifText          `json:"help,omitempty"`
	Config *sarifConfiguration `json:"defaultConfiguration,omitempty"`
	Bag    *sarifRuleBag       `json:"properties,omitempty"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

// sarifRuleBag holds what GitHub sorts rules by.
type sarifRuleBag struct {
	Tags     []string `json:"tags,omitempty"`
	Severity string   `json:"problem.severity,omitempty"`
}

// sarifText is a message, or a multiformatMessageString.
type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Kind         string             `json:"kind"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Bag          *sarifResultBag    `json:"properties,omitempty"`
}

type sarifResultBag struct {
	Evidence []string `json:"evidence"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	File   sarifArtifact `json:"artifactLocation"`
	Region sarifRegion   `json:"region"`
}

// sarifArtifact is an artifactLocation.
type sarifArtifact struct {
	URI         string     `json:"uri,omitempty"`
	Base        string     `json:"uriBaseId,omitempty"`
	Description *sarifText `json:"description,omitempty"`
}

type sarifRegion struct {
	Line int `json:"startLine"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Start         string              `json:"startTimeUtc,omitempty"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Descriptor sarifReference `json:"descriptor"`
	Rule       sarifReference `json:"associatedRule"`
	Level      string         `json:"level"`
	Message    sarifText      `json:"message"`
}

// sarifReference is a reportingDescriptorReference.
type sarifReference struct {
	ID    string `json:"id"`
	Index int    `json:"index"`
}
