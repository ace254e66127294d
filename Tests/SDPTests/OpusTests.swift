import SansIO
import Testing

@testable import SDP

@Suite struct OpusFormatTests {
  @Test func `every parameter is read, whatever its spacing and letters (RFC 7587 §6.1)`() {
    let format = OpusFormat(
      "maxplaybackrate=16000; sprop-maxcapturerate=24000;maxaveragebitrate=20000; STEREO=1;sprop-stereo=1 ; "
        + "useinbandfec=1;usedtx=1;cbr=1; minptime=10"
    )
    #expect(format.maximumPlaybackRate == 16_000 && format.maximumCaptureRate == 24_000 && format.maximumAverageBitrate == 20_000)
    #expect(format.switches == [.stereo, .sendsStereo, .inBandFEC, .dtx, .constantBitrate] && format.minimumPacketTime == 10)
    #expect(OpusFormat("useinbandfec=1;useinbandfec=0") == OpusFormat())
  }

  @Test(arguments: [
    "", ";", ";;;", "=", "=;=1", "useinbandfec", "useinbandfec=", "useinbandfec=2", "useinbandfec=yes", "usedtx=-1", "maxplaybackrate=0",
    "maxplaybackrate=7999", "maxplaybackrate=48001", "maxplaybackrate=99999999999999999999", "maxaveragebitrate=5999",
    "maxaveragebitrate=1e4", "maxaveragebitrate=510001", "minptime=2", "minptime=121", "minptime=ten", "x-unknown=1", "cbr==", "cbr = ;1",
    "0-16", "\u{0}\u{ff}", "stereo=1x",
  ])
  func `a value that a parameter cannot have is passed over, and the default holds (RFC 7587 §6.1)`(text: String) {
    #expect(OpusFormat(text) == OpusFormat())
  }
}

@Suite struct OpusNegotiationTests {
  private let local = TransportAddress(IPAddress(v4: 0xC633_640A), port: 20_000)

  private func session(_ codecs: [AudioCodec], _ change: (inout DescriptionStyle) -> Void = { _ in }) -> OfferAnswerSession {
    var style = DescriptionStyle(originUser: "kallglot", sessionName: "kallglot")
    style.opusParameters = "useinbandfec=1;minptime=10"
    change(&style)
    return OfferAnswerSession(style: style, sessionID: 7, capability: AudioCapability(codecs: codecs, decidesOrder: true))
  }

  private func description(_ lines: String) throws -> SessionDescription {
    try SessionDescription.parse(
      Bytes("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\(lines.replacing("\n", with: "\r\n"))\r\n"))
  }

  @Test func `an offer names Opus as 111 with its parameters (RFC 7587 §7, contract 8.5 and 8.7)`() {
    var session = session([.opus, .g722, .pcmu, .pcma])
    let text = session.makeOffer(local: local).serialized().text
    #expect(text.contains("m=audio 20000 RTP/AVP 111 9 0 8 101 110\r\n"))
    #expect(text.contains("a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1;minptime=10\r\na=rtpmap:9 G722/8000\r\n"))
  }

  @Test func `an answer has the offerer's number, and our parameters beside it; theirs are for our encoder (RFC 7587 §7.1)`() throws {
    var session = session([.opus])
    let offer = try description(
      "m=audio 4000 RTP/AVP 0 107\na=rtpmap:107 opus/48000/2\na=fmtp:107 usedtx=1;maxplaybackrate=8000\na=fmtp:0 x=1")
    let (answer, agreement) = try session.answer(offer, local: local)
    let text = answer.serialized().text
    #expect(text.contains("RTP/AVP 107\r\n") && text.contains("a=fmtp:107 useinbandfec=1;minptime=10\r\n"))
    #expect(agreement.codec == .opus && agreement.sendPayloadType == 107 && agreement.receivePayloadType == 107)
    #expect(agreement.opus.switches == .dtx && agreement.opus.maximumPlaybackRate == 8_000)
  }

  @Test(arguments: ["opus/48000", "opus/48000/1", "opus/8000", "opus/8000/2", "OPUS/16000/2"])
  func `what is called Opus and is described otherwise is none, and the refusal says so (RFC 7587 §7)`(map: String) throws {
    var session = session([.opus, .pcmu])
    let offer = "m=audio 4000 RTP/AVP 96\na=rtpmap:96 \(map)"
    let refused = try description(offer)
    do throws(OfferAnswerFailure) {
      _ = try session.answer(refused, local: local)
      Issue.record("it was taken")
    } catch {
      #expect(error.warningCode == 305 && error.warningText.contains("opus/48000/2"))
    }
    let both = try description(offer.replacing("AVP 96", with: "AVP 96 0"))
    #expect(try session.answer(both, local: local).1.codec == .pcmu)
  }

  @Test(arguments: [
    ("ptime:10", 10), ("ptime:20", 20), ("ptime:30", 20), ("ptime:40", 40), ("ptime:50", 40), ("ptime:60", 60), ("ptime:120", 60),
    ("ptime:5", 20), ("maxptime:10", 10), ("maxptime:30", 20), ("ptime:60\na=maxptime:40", 40), ("fmtp:96 minptime=40", 40),
    ("fmtp:96 minptime=40\na=ptime:20", 40), ("fmtp:96 minptime=40\na=maxptime:20", 20),
  ])
  func `a packet of Opus has a time that the peer takes and Opus has (RFC 7587 §6.1, RFC 8866 §6.4)`(attribute: String, time: Int) throws {
    var session = session([.opus])
    let offer = try description("m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=\(attribute)")
    let (answer, agreement) = try session.answer(offer, local: local)
    #expect(agreement.packetTime == time && answer.media[0].packetTime == time)
  }

  @Test func `each side may send every codec of the answer, by the other's numbers (RFC 3264 §5.1, §6.1)`() throws {
    var session = session([.pcmu, .opus, .g722])
    _ = session.makeOffer(local: local)
    let answer = try description(
      "m=audio 4000 RTP/AVP 0 107 8 101\na=rtpmap:107 opus/48000/2\na=fmtp:107 cbr=1\na=rtpmap:101 telephone-event/8000")
    let agreement = try session.accept(answer: answer)
    #expect(agreement.codec == .pcmu && agreement.others == [AgreedCodec(.opus, send: 107, receive: 111)])
    #expect(agreement.receivable.format(111) == .codec(.opus) && agreement.receivable.format(107) == nil)
    #expect(agreement.receivable.format(9) == nil, "G.722 was offered, and not answered")
    let other = try #require(agreement.sending(.opus))
    #expect(
      other.codec == .opus && other.sendPayloadType == 107 && other.receivePayloadType == 111 && other.opus.switches == .constantBitrate)
    #expect(other.others == [AgreedCodec(.pcmu, send: 0, receive: 0)] && other.sending(.pcmu) == agreement)
    #expect(agreement.sending(.g722) == nil && agreement.sending(.pcmu) == agreement)
    // The numbers stay in the next offer, whichever codec was sent meanwhile (RFC 3264 §8.3.2).
    #expect(session.makeOffer(local: local).serialized().text.contains("AVP 0 111 9 101 110\r\n"))
  }

  @Test func `an answer that names all has them in one list, ours first where our order decides (RFC 3264 §6.1)`() throws {
    var capability = AudioCapability(codecs: [.pcma, .g722, .pcmu], decidesOrder: true)
    capability.answersEvery = true
    var session = OfferAnswerSession(style: .plain, sessionID: 7, capability: capability)
    let (answer, agreement) = try session.answer(try description("m=audio 4000 RTP/AVP 0 18 9 8"), local: local)
    #expect(answer.serialized().text.contains("m=audio 20000 RTP/AVP 8 0 9\r\n"))
    #expect(agreement.codec == .pcma && agreement.others.map(\.codec) == [.pcmu, .g722])
  }
}
