import SDP
import SansIO

/// A session description: printed as it came, read the same again, and answered without a crash.
enum DescriptionTarget {
  static func run(_ input: [UInt8]) {
    guard let description = try? SessionDescription.parse(Bytes(input)) else { return }
    let printed = description.serialized()
    guard let again = try? SessionDescription.parse(printed) else { return hold(false, "what was printed can be read") }
    hold(again == description, "what was printed is read as the same")
    hold(again.serialized() == printed, "and printed as the same")
    // Empty lines are no part of a description; everything else comes back byte for byte.
    hold(input.filter { $0 != 10 && $0 != 13 } == printed.filter { $0 != 10 && $0 != 13 }, "no byte of a line is lost")
    for media in description.media {
      _ = (media.encodings, media.direction, media.packetTime, media.rtcpPort, media.connection, media.bandwidths)
    }
    var session = OfferAnswerSession(style: .plain, sessionID: 1, capability: AudioCapability(codecs: [.pcmu, .pcma]))
    let local = TransportAddress(.anyV4, port: 20_000)
    if let (answer, _) = try? session.answer(description, local: local) {
      hold(answer.media.count == description.media.count, "an answer has as many m= lines as the offer (RFC 3264 §6)")
      hold((try? SessionDescription.parse(answer.serialized())) != nil, "our answer is a description")
    }
    _ = session.makeOffer(local: local)
    _ = try? session.accept(answer: description)
  }
}
