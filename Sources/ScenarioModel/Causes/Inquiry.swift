import SansIO

/// What a finding is about: where its causes are looked for.
enum Inquiry: Hashable, Sendable {
  /// A named call, at its caller or at this member.
  case call(String, at: String?)
  /// The newest leg of a member.
  case leg(of: String)
  case reinvite(of: String)
  /// What a member hears, on its newest leg or its side of a named call.
  case hearing(String, call: String?)
  /// Digits that a member gets, and those that it sends.
  case digits(String, call: String?)
  case pressing(String, call: String?)
  /// Where a member sends its RTP.
  case latch(String)
  case sending(String)
  case ports(String)
  case registration(String)
  case ping(String)
  case decision
  /// What came to a wire member.
  case messages(to: String)
  case violation
  case nat(String)
  /// A fault that met nothing.
  case fault(FaultPlan)
  /// A rule that the peer of this member broke.
  case breach(seenBy: String)
}
