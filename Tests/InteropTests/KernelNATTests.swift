import Foundation
import Testing

/// Linux's own NAT and its SIP gateway (nf_nat_sip), between two namespaces of this machine, beside ours.
@Suite(.serialized, .timeLimit(.minutes(5)), .enabled(if: KernelNAT.reason == nil, "\(KernelNAT.reason ?? "")"))
struct KernelNATTests {
  @Test func `the kernel's gateway changes the same fields of INVITE, 200 and BYE to the same bytes as ours (RFC 4787 §7)`() throws {
    let kernel = try KernelNAT.talk(gateway: true)
    let port = try #require(kernel.outsidePort)
    #expect(kernel.invite == KernelNAT.ours(KernelNAT.invite, isOutbound: true, port: port))
    #expect(kernel.ok == KernelNAT.ours(KernelNAT.ok(port), isOutbound: false, port: port))
    #expect(kernel.bye == KernelNAT.ours(KernelNAT.bye(port), isOutbound: false, port: port))
  }

  @Test func `without its gateway the kernel translates addresses alone, and so does ours`() throws {
    let kernel = try KernelNAT.talk(gateway: false)
    #expect(kernel.invite == KernelNAT.invite)
    #expect((6_000...6_100).contains(Int(try #require(kernel.outsidePort))))
  }

  @Test func `through the relay two namespaces exchange what a NAT with a gateway lets through, as through the kernel's`() throws {
    let relayed = try KernelNAT.talkThroughRelay()
    let port = try #require(relayed.outsidePort)
    #expect(relayed.invite == KernelNAT.ours(KernelNAT.invite, isOutbound: true, port: port))
    #expect(relayed.ok == KernelNAT.ours(KernelNAT.ok(port), isOutbound: false, port: port))
  }
}
