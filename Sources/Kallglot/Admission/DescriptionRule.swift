import KallglotPolicy
import SDP
import SIPTransport

/// Step 9: the offer can be answered.
enum DescriptionRule: AdmissionRule {
  static func check(_ request: AdmissionRequest, _ context: AdmissionContext) -> PolicyDecision {
    guard case .description(let failure) = context.reception else { return PolicyDecision(.description, setting: "codecs", .passed) }
    return PolicyDecision(
      .description, setting: setting(failure, request, context.policy), .refused(status: 488), detail: failure.warningText)
  }

  /// Whose doing it is.
  private static func setting(_ failure: OfferAnswerFailure, _ request: AdmissionRequest, _ policy: Policy) -> String {
    guard failure.isAboutProtection else { return "codecs" }
    if !policy.takesKeys(overTLS: request.flow.transport == .tls) { return "sdesOverClear" }
    return policy.requireSRTP ? "requireSRTP" : "codecs"
  }
}

extension Policy {
  /// Whether keys of SDES are taken from signalling of a kind.
  func takesKeys(overTLS isSecret: Bool) -> Bool { isSecret || sdesOverClear == .accept }

  /// What is done about SRTP in a call over signalling of a kind (contract 8.5). Where keys are not taken in clear they are not sent
  /// either: what has to be SRTP is offered with DTLS then, what may be it without keys.
  func security(overTLS isSecret: Bool) -> MediaSecurity {
    var security = self.security
    guard !takesKeys(overTLS: isSecret) else { return security }
    security.takesSRTP = false
    switch security.offer {
    case .savp, .bestEffort: security.offer = .dtls
    case .osrtp: security.offer = .clear
    case .clear, .dtls: break
    }
    return security
  }

  /// What a call of ours may use. Over what it will go is known for certain where all servers are, or the URI is a sips one.
  func capability(calling hop: NextHop) -> AudioCapability {
    let isSecret =
      switch hop {
      case .servers(let first, let others): first.transport == .tls && others.allSatisfy { $0.transport == .tls }
      case .name(let uri): uri.scheme == .sips
      }
    return AudioCapability(codecs: spokenCodecs, security: security(overTLS: isSecret))
  }

  /// What is offered, and taken.
  var security: MediaSecurity {
    let offer: MediaSecurity.Offer =
      switch srtpOffer {
      case .sdes: requireSRTP ? .savp : .clear
      case .osrtp: .osrtp
      case .dtls: .dtls
      }
    var security = MediaSecurity(offer: offer, takesClear: !requireSRTP, takesDTLS: true)
    security.multiplexesRTCP = true
    return security
  }
}
