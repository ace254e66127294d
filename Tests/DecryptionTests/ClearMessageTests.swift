import LabBench
import SIPMessage
import SansIO
import Testing

@testable import Decryption

/// SIP without the keys of SRTP.
@Suite struct ClearMessageTests {
  private let fingerprint = "a=fingerprint:sha-256 AB:CD\r\n"

  private func message(_ body: String, type: String = "application/sdp", length: String = "Content-Length") -> Bytes {
    Bytes("INVITE sip:b@example.com SIP/2.0\r\nCall-ID: x\r\nContent-Type: \(type)\r\n\(length): \(body.utf8.count)\r\n\r\n\(body)")
  }

  @Test(
    arguments: [
      ("RTP/SAVP", "RTP/AVP"), ("RTP/SAVPF", "RTP/AVPF"), ("UDP/TLS/RTP/SAVP", "RTP/AVP"), ("UDP/TLS/RTP/SAVPF", "RTP/AVPF"),
    ]) func `m= lines say RTP/AVP, keys and fingerprints go, and Content-Length is that of the body`(profile: String, clear: String) throws
  {
    let sdp = Talk.sdp(alice, 10_000, extra: "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc|2^31\r\n\(fingerprint)a=setup:actpass\r\n")
    let edited = try #require(ClearMessage.edited(message(sdp.replacing("RTP/AVP", with: profile))))
    let read = try SIPMessage.parse(edited)
    let wanted = Talk.sdp(
      alice, 10_000, extra: "a=x-lab-removed\r\na=x-lab-removed\r\na=setup:actpass\r\n",
      version: sdp.split(separator: " ").dropFirst(2).first.flatMap { UInt32($0) })
    #expect(read.body.text == wanted.replacing("RTP/AVP", with: clear))
    #expect(read.body.count == Int(read.first(.contentLength)?.text.trimmingSpaces ?? ""))
  }

  @Test func `the compact form of Content-Length, bodies of several parts and lines that end in LF alone keep their form`() throws {
    let part = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\nm=audio 4000 RTP/SAVP 0\nk=base64:abc\na=key-mgmt:mikey xyz\n--b--\r\n"
    let edited = try #require(ClearMessage.edited(message(part, type: "multipart/mixed;boundary=b", length: "l")))
    #expect(edited.text.hasSuffix("v=0\nm=audio 4000 RTP/AVP 0\na=x-lab-removed\na=x-lab-removed\n--b--\r\n"))
    #expect(ClearMessage.declaredLength(edited) == edited.count - (ClearMessage.bodyStart(edited) ?? 0))
  }

  @Test func `what has no keys stays as it is, and so does what is not a description`() {
    #expect(ClearMessage.edited(message(Talk.sdp(alice, 10_000))) == nil)
    #expect(ClearMessage.edited(message("a=crypto:1 X inline:abc\r\n", type: "text/plain")) == nil)
    #expect(ClearMessage.edited(Bytes("OPTIONS sip:b@example.com SIP/2.0\r\n\r\n")) == nil)
    #expect(ClearMessage.edited(Bytes("\r\n\r\n")) == nil && ClearMessage.edited(Bytes()) == nil)
  }

  @Test func `a stream is cut at the ends of its messages wherever its segments end`() throws {
    let first = message(Talk.sdp(alice, 10_000, extra: fingerprint).replacing("RTP/AVP", with: "RTP/SAVP"))
    let second = message("", type: "application/sdp")
    let whole = Bytes("\r\n\r\n".utf8 + first.array + second.array + Array("\r\n".utf8))
    let wanted = "\r\n\r\n" + (try #require(ClearMessage.edited(first)).text) + second.text + "\r\n"
    for position in 0...whole.count {
      var cutter = MessageCutter()
      let result = cutter.take(whole[0..<position]) + cutter.take(whole[position..<whole.count])
      #expect(Bytes(result).text == wanted, "cut at \(position)")
    }
  }
}
