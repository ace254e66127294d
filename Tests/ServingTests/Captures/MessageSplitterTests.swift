import SansIO
import Testing

@testable import Serving

@Suite struct MessageSplitterTests {
  private static let first = "INVITE sip:a SIP/2.0\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\nContent-Length: 4\r\n\r\nbody"
  private static let second = "SIP/2.0 486 Busy Here\r\nl:0\r\ni :\r\n two\r\nCSeq: 1 \t INVITE\r\n\r\n"
  private static let stream = "\r\n\r\n" + first + "\r\n" + second + "nonsense\r\n\r\nand more"

  /// The pieces of the stream when it comes in chunks of this size.
  private func pieces(_ size: Int, releasing: Bool = false) -> [MessageSplitter.Piece] {
    var splitter = MessageSplitter()
    let bytes = Array(Self.stream.utf8)
    var pieces: [MessageSplitter.Piece] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      pieces += splitter.take(Bytes(Array(bytes[start..<min(start + size, bytes.count)])))
      if releasing, let piece = splitter.release() { pieces.append(piece) }
    }
    if let rest = splitter.release() { pieces.append(rest) }
    return pieces
  }

  @Test func `every byte comes out once and in order, however the stream was cut`() {
    for size in 1...Self.stream.utf8.count {
      for releasing in [false, true] {
        #expect(pieces(size, releasing: releasing).map(\.bytes.text).joined() == Self.stream, "\(size) \(releasing)")
      }
    }
  }

  @Test func `messages end where Content-Length says (RFC 3261 §18.3), line ends between them are none`() {
    for size in [1, 7, 1_000] {
      let messages = pieces(size).filter { $0.glance?.callID != nil }
      #expect(messages.map(\.bytes.text) == [Self.first, Self.second])
      #expect(messages.map(\.glance?.callID) == ["one", "two"])
      #expect(messages.map(\.glance?.kind) == [.invite, .inviteFinal(status: 486)])
    }
  }

  @Test func `what was released early has its rest behind it, for the same Call-ID`() {
    var splitter = MessageSplitter()
    let cut = Self.first.utf8.count - 10
    #expect(splitter.take(Bytes(Array(Self.first.utf8.prefix(cut)))).isEmpty)
    #expect(splitter.release()?.glance?.callID == "one")
    #expect(splitter.release() == nil || splitter.isWaiting == false)
    let rest = splitter.take(Bytes(Array(Self.first.utf8.dropFirst(cut))))
    #expect(rest.map(\.glance?.callID) == ["one"] && rest.map(\.bytes.count) == [10])
  }

  @Test func `without Content-Length nobody knows where the next message begins: the rest belongs to none`() {
    var splitter = MessageSplitter()
    let cut = splitter.take("BYE sip:a SIP/2.0\r\nCall-ID: one\r\nCSeq: 2 BYE\r\n\r\nINVITE sip:a SIP/2.0\r\nCall-ID: two\r\n")
    #expect(cut.map(\.glance?.callID) == ["one"])
    #expect(splitter.take("x").map(\.glance) == [nil])
  }

  @Test func `a datagram without an end of its header still says its Call-ID`() {
    #expect(MessageGlance.partial("INVITE sip:a SIP/2.0\r\nCALL-ID : here@x \r\n").callID == "here@x")
    #expect(MessageGlance.partial("\u{0}\u{1}").callID == nil)
    #expect(MessageGlance.partial("").kind == .other)
  }
}
