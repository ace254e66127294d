import KallglotPolicy
import SIPTransport

/// Step 2: signalling is encrypted where the policy wants that.
enum RequireTLSRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    let transport = request.flow.transport
    guard context.policy.requireTLS, transport != .tls, transport != .wss else {
      return PolicyDecision(.requireTLS, setting: "requireTLS", .passed)
    }
    return PolicyDecision(
      .requireTLS, setting: "requireTLS", .refused(status: 403), detail: "signalling came over \(transport.viaToken)")
  }
}
