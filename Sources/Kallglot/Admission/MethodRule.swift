import KallglotPolicy
import SIPMessage

/// Which methods are served (contract 8.4, 8.7).
enum MethodRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    switch request.method {
    case .invite, .register, .options: PolicyDecision(.method, .passed)
    case .subscribe, .publish: refused(request.method, 489)
    case .notify, .bye, .prack, .update, .info: refused(request.method, 481)
    case .message: refused(request.method, 405)
    case .refer: refused(request.method, context.policy.referStatus, setting: "referStatus")
    case .ack, .cancel, .other: refused(request.method, 501)
    }
  }

  /// Requests within a dialog, judged by the policy their call was admitted with, whatever it says now (contract 8.1).
  static func checkInDialog(_ method: SIPMethod, _ policy: Policy) -> PolicyDecision {
    switch method {
    case .options, .info: PolicyDecision(.method, .passed)
    case .refer: refused(method, policy.referStatus, setting: "referStatus")
    case .message, .prack, .update, .register: refused(method, 405)
    // 489 ends the subscription that a NOTIFY believes in and nothing else (RFC 5057 §5.1); at a 481 some peers end the call. RFC 6665
    // §4.1.3 allows what is more appropriate than 481: no event package is served here.
    case .subscribe, .publish, .notify: refused(method, 489)
    case .invite, .ack, .bye, .cancel, .other: refused(method, 501)
    }
  }

  private static func refused(_ method: SIPMethod, _ status: Int, setting: String = "") -> PolicyDecision {
    PolicyDecision(.method, setting: setting, .refused(status: status), detail: method.token)
  }
}
