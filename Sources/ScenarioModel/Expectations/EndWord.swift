import KallglotPolicy

/// Why a leg ended, as a scenario says it.
enum EndWord: String, CaseIterable, Sendable {
  case hangUp = "hang-up"
  case cancel
  case refusal
  case timerB = "timer-b"
  case missingACK = "missing-ack"
  case transport
  case silence
  case lostDialog = "lost-dialog"
  case violation
  case unsupported
  case noKeys = "no-keys"

  func matches(_ end: EndReason) -> Bool {
    switch (self, end) {
    case (.hangUp, .hungUpHere), (.hangUp, .hungUpByPeer), (.cancel, .cancelledHere), (.cancel, .cancelledByPeer), (.refusal, .refused),
      (.timerB, .timerB), (.missingACK, .ackMissing), (.transport, .transportFailed), (.silence, .mediaSilence),
      (.lostDialog, .dialogLost), (.violation, .violation), (.unsupported, .unsupported),
      (.noKeys, .unsecured):
      true
    default: false
    }
  }

  var rule: String {
    switch self {
    case .hangUp: "RFC 3261 §15.1"
    case .cancel: "RFC 3261 §9"
    case .refusal: "RFC 3261 §13.2.2"
    case .timerB: "RFC 3261 §17.1.1.2, Timer B"
    case .missingACK: "RFC 3261 §13.3.1.4"
    case .transport: "RFC 3261 §18.4"
    case .silence: "contract 8.3: no RTP on a leg"
    case .lostDialog: "RFC 3261 §12.2.1.2"
    case .violation: "RFC 3264 §6"
    case .unsupported: "RFC 3264 §6, a limit of the Lab"
    case .noKeys: "RFC 5763 §5"
    }
  }
}
