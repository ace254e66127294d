import KallglotPolicy
import SIPMessage
import SansIO

/// Step 7: the Request-URI names a session that can be joined, or the call may create one (inbound-first).
enum SessionRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    guard let uri = request.target else { return refused(400, "the Request-URI cannot be read") }
    guard context.policy.anyDomain || context.place.isOurs(uri) else {
      return refused(404, "domain \(uri.host) is not ours", setting: "anyDomain")
    }
    switch context.session {
    case .inbound:
      guard context.policy.inboundFirst else { return refused(404, "inbound-first calls are switched off", setting: "inboundFirst") }
    case .named(_, .found): break
    case .named(let id, .unknown): return refused(404, "session \(id) is not known")
    case .named(let id, .ended):
      return refused(410, "session \(id) has ended, by the API or by the BYE of its last leg (unless it is `reusable: true`)")
    case .named(let id, .full): return refused(486, "session \(id) has \(CountText.of(Session.maximumLegs, "leg"))")
    }
    return PolicyDecision(.session, .passed)
  }

  private static func refused(_ status: Int, _ detail: String, setting: String = "") -> PolicyDecision {
    PolicyDecision(.session, setting: setting, .refused(status: status), detail: detail)
  }
}
