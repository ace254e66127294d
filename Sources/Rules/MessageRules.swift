import SansIO

/// What every message is held to.
extension Rule {
  public static let messageUnreadable = Rule(
    "message-unreadable", .error, "RFC 3261 §7", "what is received on a SIP port is a SIP message")
  public static let messageForm = Rule(
    "message-form", .error, "RFC 3261 §7.3", "header fields are well formed, and the mandatory ones are present", by: .both)
  public static let toTag = Rule("to-tag", .error, "RFC 3261 §8.2.6.2", "To has a tag in each response above 100")
  public static let contactMissing = Rule(
    "contact-missing", .error, "RFC 3261 §8.1.1.8", "an INVITE and its 2xx have one Contact", by: .both)
  public static let contactElsewhere = Rule(
    "contact-elsewhere", .warning, "RFC 3261 §8.1.1.8", "a Contact has an address at which its sender can be reached", by: .both,
    failsRuns: .errors)
  public static let requestContactSecure = Rule(
    "request-contact-sips", .error, "RFC 3261 §8.1.1.8", "an INVITE for a sips URI has a sips URI as its Contact", by: .both)
  public static let responseContactSecure = Rule(
    "response-contact-sips", .error, "RFC 3261 §12.1.1", "a 2xx to an INVITE for a sips URI has a sips URI as its Contact", by: .both)
  public static let secureOverDatagrams = Rule(
    "sips-over-udp", .error, "RFC 3261 §26.2.2", "a request for a sips URI does not go over UDP")
  public static let recordRouteSecure = Rule(
    "record-route-sips", .error, "RFC 3261 §16.6", "a proxy's Record-Route in an INVITE for a sips URI is a sips URI")
  public static let severalVias = Rule(
    "response-with-several-vias", .error, "RFC 3261 §8.1.3.3", "a response has a single Via when it reaches its client", by: .both)
  public static let contentType = Rule("content-type", .error, "RFC 3261 §20.15", "a body has a Content-Type")
  public static let contentLength = Rule("content-length", .error, "RFC 3261 §18.3", "a message on a stream has a Content-Length")
  public static let viaTransport = Rule(
    "via-transport", .warning, "RFC 3261 §18.1.1", "the topmost Via of a request names the transport that it goes by")
  public static let viaReceived = Rule(
    "via-received", .error, "RFC 3261 §18.2.1", "the Via of a response has the received and rport that its request calls for")
  public static let responseVias = Rule(
    "response-vias", .error, "RFC 3261 §8.2.6.2", "a response has the Via fields of its request, in their order")
  public static let datagramSize = Rule(
    "datagram-size", .note, "RFC 3261 §18.1.1", "a request of more than 1,300 bytes does not go over UDP")
  public static let notSIP = Rule("not-sip", .note, "RFC 3261 §18.1.2", "text on port 5060 is SIP")

  static let messages: [Rule] = [
    messageUnreadable, messageForm, toTag, contactMissing, contactElsewhere, requestContactSecure, responseContactSecure,
    secureOverDatagrams,
    recordRouteSecure, severalVias, contentType, contentLength, viaTransport, viaReceived, responseVias, datagramSize, notSIP,
  ]
}
