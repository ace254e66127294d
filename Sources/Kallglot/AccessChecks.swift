import KallglotPolicy
import SIPMessage
import SIPTransport
import SansIO

/// Steps 1 to 4 of the policy (contract 8.1): what can be judged before anyone proves who they are.
enum AccessChecks {
  /// The first step that fails; nil when all pass.
  ///
  /// The source is the address of the socket, never one that a header claims.
  static func firstFailure(_ policy: Policy, flow: Flow) -> PolicyDecision? {
    if !policy.allows(flow.transport) {
      return PolicyDecision(
        .transport, setting: "transports", .refused(status: 403),
        detail: "\(flow.transport.viaToken) is not one of \(policy.transports.map(\.name).joined(separator: ", "))")
    }
    if policy.requireTLS, flow.transport != .tls, flow.transport != .wss {
      return PolicyDecision(
        .requireTLS, setting: "requireTLS", .refused(status: 403), detail: "signalling came over \(flow.transport.viaToken)")
    }
    if !policy.allows(flow.remote.address) { return allowlistRefusal(policy, flow) }
    if !policy.sipAccess {
      return PolicyDecision(.sipAccess, setting: "sipAccess", .refused(status: 403), detail: "SIP access is switched off")
    }
    return nil
  }

  private static func allowlistRefusal(_ policy: Policy, _ flow: Flow) -> PolicyDecision {
    PolicyDecision(
      .allowlist, setting: "allow", policy.allowlistRefusal == .drop ? .dropped : .refused(status: 403),
      detail: "\(flow.remote.address) is not in \(policy.allow.map(\.description).joined(separator: ", "))")
  }
}
