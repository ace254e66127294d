import KallglotPolicy
import SIPTransport

/// Step 1: the transport is in the allowed list.
enum TransportRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    let (policy, transport) = (context.policy, request.flow.transport)
    guard !policy.allows(transport) else { return PolicyDecision(.transport, setting: "transports", .passed) }
    return PolicyDecision(
      .transport, setting: "transports", .refused(status: 403),
      detail: "\(transport.viaToken) is not one of \(policy.transports.map(\.name).joined(separator: ", "))")
  }
}
