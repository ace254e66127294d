import SansIO

/// What registrations are held to.
extension Rule {
  public static let minimumExpires = Rule(
    "min-expires", .error, "RFC 3261 §20.23", "the Min-Expires in a 423 is above the requested expiry", by: .both)
  public static let listedBindings = Rule(
    "listed-bindings", .error, "RFC 3261 §10.3", "a 200 to REGISTER lists all current bindings, and no others", by: .both)
  public static let registeredContact = Rule(
    "registered-contact", .note, "RFC 3261 §16.5", "a request to a registered user agent has the registered Contact as its Request-URI",
    by: .both)
  public static let registerIdentity = Rule(
    "register-identity", .warning, "RFC 3261 §10.2", "the REGISTER requests of a client have one Call-ID, and CSeq numbers that grow by one"
  )
  public static let registrationRefused = Rule(
    "registration-refused", .warning, "RFC 3261 §10.3", "a REGISTER is not refused", failsRuns: .asked)
  public static let credentialsNeverSent = Rule(
    "credentials-never-sent", .warning, "RFC 3261 §22.2", "a client that is challenged sends credentials")
  public static let oldNonce = Rule("old-nonce", .warning, "RFC 3261 §22.2", "credentials have the nonce of the last challenge")
  public static let lateRefresh = Rule(
    "late-refresh", .warning, "RFC 3261 §10.2.4", "a binding is refreshed before it expires", judgesAbsence: true)

  static let registrations: [Rule] = [
    minimumExpires, listedBindings, registeredContact, registerIdentity, registrationRefused, credentialsNeverSent, oldNonce, lateRefresh,
  ]
}
