/// The products that a scenario may put on stage, with the habits that `proves:` may name. What they do is not the language's business; a
/// test holds that the personas have these names.
public struct KnownPersona: Hashable, Sendable {
  /// The word a scenario uses: `asterisk-22`.
  public let id: String
  /// Words of its profile, such as `content-length-padding`, in alphabetical order.
  public let quirks: [String]

  public static let plainCaller = KnownPersona(id: "plain-caller", quirks: [])

  public static let all = [
    plainCaller,
    KnownPersona(
      id: "asterisk-22",
      quirks: [
        "488-without-warning", "accepted-types", "ack-without-credentials", "allow-in-487", "allow-list", "bad-event-489", "branch-as-tag",
        "branch-uuid", "bye-reason", "call-id-uuid", "cancel-reason", "challenge-form", "cnonce-32", "contact-transport-upper-case",
        "contact-user", "contact-without-user", "content-length-padding", "cseq-mismatch-dropped", "force-rport", "foreign-scheme-404",
        "info-unanswered", "invalid-cseq-phrase", "line-matching", "media-back-before-bye", "merged-accepted", "message-202",
        "no-supported-in-provisionals", "options-answer", "pending-phrase", "ping-without-accept", "product-name", "random-first-cseq",
        "refusal-reasons", "register-allow", "register-lead", "register-line", "register-order", "reinvite-488-form",
        "reinvite-response-order", "request-order", "response-order", "sdp-answer-origin", "sdp-answers-every", "sdp-maxptime",
        "sdp-names", "sdp-opus", "sdp-reoffers-agreed", "sdp-wide-events", "session-timer-headers", "sips-480", "stack-response-order",
        "success-after-provisional-order", "supported-list", "tag-uuid", "tls-1-2", "trying-at-once",
        "unacknowledged-bye-reason", "unreadable-sdp-400", "via-alias", "via-rewritten",
        "via-rport-first",
      ]),
    KnownPersona(
      id: "cucm-14-trunk",
      quirks: [
        "allow-events", "allow-list", "asserted-identity", "branch", "bye-reason", "bye-statistics", "call-id", "call-info", "cisco-guid",
        "contact-device", "cseq-101", "date", "delayed-offer", "double-spaced-timers", "expires-180", "hold-by-music", "notify-digits",
        "ping-max-forwards-0", "ping-without-user", "product-name", "remote-party-id", "request-order", "sdp-answer-bandwidth",
        "sdp-direction-place", "sdp-events-0-15", "sdp-names", "sdp-origin-node", "session-id", "tag", "tls-1-2",
        "two-supported",
      ]),
  ]

  public static func named(_ id: String) -> KnownPersona? { all.first { $0.id == id } }
}
