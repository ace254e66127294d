import LabBench
import SRTP
import SansIO
import Testing

@testable import Decryption

/// Keys of SDES that cross in clear do not reach a file.
@Suite struct KeyMaskingTests {
  private let key = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
  private var message: Bytes {
    Talk(callID: "k").request(
      "INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000, extra: "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^31|1:4\r\n"))
  }
  private var wanted: String { message.text.replacing(key, with: String(repeating: "x", count: key.count)) }
  private let here = TransportAddress(alice, port: 40_000)
  private let there = TransportAddress(bob, port: 5_060)

  private func mask(_ masking: KeyMasking, _ bytes: Bytes, at sequence: UInt32, _ flags: TCPSegment.Flags = [.ack]) -> Bytes {
    let segment = TCPSegment(sequence: sequence, acknowledgement: 0, flags: flags)
    return masking.segment(bytes, segment, from: here, to: there) ?? bytes
  }

  private func open() -> KeyMasking {
    let masking = KeyMasking()
    _ = mask(masking, Bytes(), at: 0, .syn)
    return masking
  }

  @Test func `what a capture agent passes on keeps neither the keys in it nor the agent's own`() throws {
    let place = TransportAddress(alice, port: 5_060)
    let packet = RelayedFrames.hep(place, to: place, extra: RelayedFrames.hepChunk(14, Array("secret".utf8)), message)
    let masked = try #require(KeyMasking().datagram(packet)).array
    #expect(masked.count == packet.count && !masked.contains(Array("secret".utf8)) && !masked.contains(message.array))
    #expect(masked.contains(Array(wanted.utf8)))
  }

  @Test func `a datagram keeps its length, and its key is x (RFC 4568 §9.1)`() {
    #expect(KeyMasking().datagram(message)?.text == wanted)
    #expect(KeyMasking().datagram(Talk().request("OPTIONS", cseq: 1)) == nil)
  }

  @Test(arguments: [
    "a=key-mgmt:mikey KEY", "a=Key-Mgmt:Mikey KEY", "k=base64:KEY", "k=clear:KEY", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 KEY",
    "a=crypto:1 KEY", "a=crypto:KEY", "A=Crypto:1 AES_CM_128_HMAC_SHA1_80 uri:KEY", "a=crypto:1 X inline: KEY",
    "a=crypto:1 X \"inline:KEY\"", "a=crypto:1 X INLINE:KEY|2^31;inline:KEY", "a=crypto:1 X inline:KEY FEC_KEY=inline:KEY",
  ])
  func `keys of any form are x, also where the line breaks the grammar (RFC 4567 §3, RFC 4566 §5.12)`(line: String) throws {
    let message = Talk(callID: "k").request(
      "INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000, extra: line.replacing("KEY", with: key) + "\r\n"))
    let masked = try #require(KeyMasking().datagram(message))
    #expect(masked.count == message.count && !masked.text.contains(key))
    let prefix = line.split(separator: "KEY")[0].replacing("\"", with: "")
    #expect(masked.text.replacing("\"", with: "").contains(prefix))
  }

  @Test func `what is no key stays: fingerprints, candidates, long words`() {
    let lines = [
      "a=fingerprint:sha-256 " + (0..<32).map { _ in "AB" }.joined(separator: ":"), "a=x-\(key):\(key)", "k=prompt", "k=uri:\(key)",
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 uri:https://example.com/key",
    ]
    let message = Talk().request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000, extra: lines.joined(separator: "\r\n") + "\r\n"))
    #expect(KeyMasking().datagram(message) == nil)
  }

  @Test(arguments: ["a=key-mgmt:mikey ", "k=base64:"])
  func `a key in two segments shows in neither, wherever they end`(start: String) {
    let message = Talk(callID: "k").request("INVITE", cseq: 1, sdp: Talk.sdp(alice, 10_000, extra: "\(start)\(key)\r\n"))
    let wanted = message.text.replacing(key, with: String(repeating: "x", count: key.count))
    for position in 0...message.count {
      let masking = open()
      let first = mask(masking, message[0..<position], at: 1)
      let second = mask(masking, message[position..<message.count], at: 1 + UInt32(position))
      #expect(Bytes(first.array + second.array).text == wanted, "cut at \(position)")
    }
  }

  @Test func `a stream whose segments end anywhere has no key in any of them`() {
    for position in 0...message.count {
      let masking = open()
      let parts = [message[0..<position], message[position..<message.count]]
      let masked = mask(masking, parts[0], at: 1).array + mask(masking, parts[1], at: 1 + UInt32(position)).array
      #expect(Bytes(masked).text == wanted, "cut at \(position)")
    }
    let masking = open()
    var result: [UInt8] = []
    for position in 0..<message.count { result += mask(masking, message[position..<position + 1], at: 1 + UInt32(position)).array }
    #expect(Bytes(result).text == wanted)
  }

  @Test func `segments that come again, in other pieces, or before those that they follow show no part of a key`() {
    let start = message.text.utf8.count - message.text.split(separator: key)[1].utf8.count - key.utf8.count
    for position in start - 6..<start + key.utf8.count {
      let masking = open()
      let late = mask(masking, message[position..<message.count], at: 1 + UInt32(position))
      let early = mask(masking, message[0..<position], at: 1)
      let again = mask(masking, message[position - 3..<message.count], at: 1 + UInt32(position) - 3)
      #expect(Bytes(early.array + late.array).text == wanted, "cut at \(position)")
      for part in [late, again] {
        #expect(part.count >= message.count - position)
        for length in [8, 4] where position + length < start + key.utf8.count && position >= start {
          #expect(!part.text.contains(message[position..<position + length].text), "cut at \(position)")
        }
      }
    }
  }

  @Test func `TLS and what is not text stay as they are, also where nobody knows what came before`() {
    let record = Bytes([23, 3, 3, 0, 40] + [UInt8](repeating: 0x41, count: 40))
    #expect(mask(KeyMasking(), record, at: 77) == record)
    #expect(mask(KeyMasking(), Talk().request("OPTIONS", cseq: 1), at: 77) == Talk().request("OPTIONS", cseq: 1))
  }
}
