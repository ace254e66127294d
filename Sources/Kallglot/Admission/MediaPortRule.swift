import KallglotPolicy

/// Step 8a: a media port is free.
enum MediaPortRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    guard context.reception == .noMediaPort else { return PolicyDecision(.mediaPort, setting: "mediaPorts", .passed) }
    return PolicyDecision(
      .mediaPort, setting: "mediaPorts", .refused(status: 503), detail: "no free port pair in \(context.policy.mediaPorts)")
  }
}
