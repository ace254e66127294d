import KallglotPolicy
import SDP

/// Step 9: the offer can be answered.
enum DescriptionRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    guard case .description(let failure) = context.reception else { return PolicyDecision(.description, setting: "codecs", .passed) }
    return PolicyDecision(.description, setting: "codecs", .refused(status: 488), detail: failure.warningText)
  }
}

/// The part of step 9 that no offer can change: media have to be encrypted, which is not served yet.
enum RequireSRTPRule: AdmissionRule {
  static let failure = OfferAnswerFailure.wrongProfile

  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    guard context.policy.requireSRTP else { return PolicyDecision(.description, setting: "requireSRTP", .passed) }
    return PolicyDecision(.description, setting: "requireSRTP", .refused(status: 488), detail: failure.warningText)
  }
}
