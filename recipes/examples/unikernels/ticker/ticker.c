/*
 * A guest without an operating system: it prints its command line and the seconds that it has seen
 * pass. Interface: xen/include/public (xen.h, hvm/params.h, io/console.h, sched.h), PVH on x86, 32
 * bits.
 */
#include <stdint.h>

enum { MEMORY_OP = 12, SCHED_OP = 29, EVENT_CHANNEL_OP = 32, HVM_OP = 34 };
enum {
	ADD_TO_PHYSMAP = 7,
	SCHED_POLL = 3,
	EVTCHN_SEND = 4,
	GET_PARAM = 1,
	CONSOLE_PFN = 17,
	CONSOLE_EVTCHN = 18
};
enum { DOMID_SELF = 0x7ff0, SECOND = 1000000000, OUT_SIZE = 2048 };

struct start_info {
	uint32_t magic, version, flags, modules;
	uint64_t module_list, cmdline;
};

struct console {
	char in[1024], out[OUT_SIZE];
	uint32_t in_cons, in_prod, out_cons, out_prod;
};

struct time_info { /* of the first virtual CPU, at offset 32 of shared_info */
	uint32_t version, pad;
	uint64_t tsc, nanoseconds;
	uint32_t multiplier;
	int8_t shift;
};

extern char hypercall_page[], shared_page[];

static volatile struct console *console;
static uint32_t console_port;

static int hypercall(int number, uint32_t command, void *argument)
{
	char *entry = hypercall_page + 32 * number;
	int result;

	__asm__ volatile("call *%1"
			 : "=a"(result)
			 : "0"(entry), "b"(command), "c"(argument)
			 : "memory");
	return result;
}

static uint32_t find_xen(void) /* the CPUID leaves of Xen: public/arch-x86/cpuid.h */
{
	for (uint32_t base = 0x40000000; base < 0x40010000; base += 0x100) {
		uint32_t eax = base, ebx, ecx, edx;

		__asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
		if (ebx == 0x566e6558 && ecx == 0x65584d4d && edx == 0x4d4d566e) /* XenVMMXenVMM */
			return base;
	}
	for (;;)
		__asm__ volatile("hlt");
}

static void make_hypercall_page(void)
{
	uint32_t eax = find_xen() + 2, msr, ecx, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(msr), "=c"(ecx), "=d"(edx));
	__asm__ volatile("wrmsr" : : "c"(msr), "a"(hypercall_page), "d"(0) : "memory");
}

static uint32_t parameter(uint32_t index)
{
	struct {
		uint16_t domain, pad;
		uint32_t index;
		uint64_t value;
	} get = {DOMID_SELF, 0, index, 0};

	hypercall(HVM_OP, GET_PARAM, &get);
	return (uint32_t)get.value;
}

static void map_shared_info(void)
{
	struct {
		uint16_t domain, size;
		uint32_t space, index, frame;
	} add = {DOMID_SELF, 0, 0, 0, (uint32_t)shared_page >> 12};

	hypercall(MEMORY_OP, ADD_TO_PHYSMAP, &add);
}

static void poll(uint64_t until)
{
	struct {
		uint32_t *ports, count;
		uint64_t timeout;
	} poll = {0, 0, until};

	hypercall(SCHED_OP, SCHED_POLL, &poll);
}

static uint64_t nanoseconds(void)
{
	volatile struct time_info *time = (void *)(shared_page + 32);
	uint64_t base, delta;
	uint32_t version, low, high, multiplier;
	int shift;

	do {
		version = time->version;
		__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
		delta = ((uint64_t)high << 32 | low) - time->tsc;
		base = time->nanoseconds;
		multiplier = time->multiplier;
		shift = time->shift;
	} while (version & 1 || version != time->version);
	delta = shift < 0 ? delta >> -shift : delta << shift;
	return base + ((delta & 0xffffffff) * multiplier >> 32) + (delta >> 32) * multiplier;
}

static void put(const char *text)
{
	while (*text) {
		while (console->out_prod - console->out_cons == OUT_SIZE)
			poll(nanoseconds() + SECOND / 100);
		console->out[console->out_prod % OUT_SIZE] = *text++;
		__asm__ volatile("" : : : "memory");
		console->out_prod++;
	}
	hypercall(EVENT_CHANNEL_OP, EVTCHN_SEND, &console_port);
}

static void put_number(uint32_t number)
{
	char digits[11], *at = digits + 10;

	*at = 0;
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	put(at);
}

__attribute__((noreturn)) void ticker(struct start_info *info)
{
	uint64_t next;

	make_hypercall_page();
	map_shared_info();
	console = (void *)(parameter(CONSOLE_PFN) << 12);
	console_port = parameter(CONSOLE_EVTCHN);
	put("ticker: ");
	put((const char *)(uint32_t)info->cmdline);
	put("\r\n");
	next = nanoseconds();
	for (uint32_t seconds = 0;; seconds++) {
		put("ticker: second ");
		put_number(seconds);
		put("\r\n");
		next += SECOND;
		while (nanoseconds() < next)
			poll(next);
	}
}
