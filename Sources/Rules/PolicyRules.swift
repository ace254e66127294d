import SansIO

/// What the policy of an account promises, as its packets have to show (contract 8). What a policy does not say is no rule of that call.
extension Rule {
  public static let mediaInClear = Rule("rtp-outside-srtp", .error, "contract 8.1", "media is SRTP where the policy requires it")
  public static let signallingTransport = Rule(
    "sip-transport", .error, "contract 8.1", "a request is served over a transport that the policy allows, and over no other")
  public static let strangerAnswered = Rule("stranger-answered", .error, "contract 8.1", "a source that is to be dropped gets no answer")
  public static let codecOffList = Rule("codec-off-list", .error, "contract 8.1", "audio is in a codec of the policy's list")
  public static let refusedCallsPort = Rule("refused-call-port", .error, "contract 8.1", "a call that is refused opens no media port")
  public static let mediaToStranger = Rule(
    "media-to-stranger", .error, "RFC 3264 §5.1", "RTP goes to an address that was described, or from which RTP came", judgesAbsence: true,
    failsRuns: .always)
  public static let clientUnproven = Rule(
    "client-unproven", .error, "contract 8.8", "SIP over TLS is served to who has shown a right certificate, where the policy asks for one")
  public static let passwordInClear = Rule(
    "password-in-clear", .error, "RFC 3261 §26.1", "no password, and nothing that is as good as one, is sent in clear")

  public static let policies: [Rule] = [
    mediaInClear, signallingTransport, strangerAnswered, codecOffList, refusedCallsPort, mediaToStranger, clientUnproven, passwordInClear,
  ]
}
