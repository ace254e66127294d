import KallglotPolicy
import SIPTransport

/// Step 3: the source is on the allowlist. The source is the address of the socket, never one that a header claims.
enum AllowlistRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    check(request.flow, context.policy)
  }

  /// The same for a connection from which nothing was read yet.
  static func check(_ flow: Flow, _ policy: Policy) -> PolicyDecision {
    let source = flow.remote.address
    guard !policy.allows(source) else { return PolicyDecision(.allowlist, setting: "allow", .passed) }
    return PolicyDecision(
      .allowlist, setting: "allow", policy.allowlistRefusal == .drop ? .dropped : .refused(status: 403),
      detail: "\(source) is not in \(policy.allow.map(\.description).joined(separator: ", "))")
  }
}
