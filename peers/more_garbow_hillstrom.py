"""The least-squares problems of Moré, Garbow & Hillstrom (ACM Trans. Math. Softw. 7, 1981) as NumPy functions of x, real or
complex: the standard starts, and for each a start ten times as far out."""

import numpy as np

BARD=[0.14,0.18,0.22,0.25,0.29,0.32,0.35,0.39,0.37,0.58,0.73,0.96,1.34,2.10,4.39]
GAUSSIAN=[0.0009,0.0044,0.0175,0.0540,0.1295,0.2420,0.3521,0.3989]
MEYER=[34780.0,28610.0,23650.0,19630.0,16370.0,13720.0,11540.0,9744.0,8261.0,7030.0,6005.0,5147.0,4427.0,3820.0,3307.0,2872.0]
KOW=np.array([[0.1957,4.0],[0.1947,2.0],[0.1735,1.0],[0.1600,0.5],[0.0844,0.25],[0.0627,0.167],[0.0456,0.125],[0.0342,0.1],[0.0323,0.0833],[0.0235,0.0714],[0.0246,0.0625]])
O1=np.array([0.844,0.908,0.932,0.936,0.925,0.908,0.881,0.850,0.818,0.784,0.751,0.718,0.685,0.658,0.628,0.603,0.580,0.558,0.538,0.522,0.506,0.490,0.478,0.467,0.457,0.448,0.438,0.431,0.424,0.420,0.414,0.411,0.406])
O2=np.array([1.366,1.191,1.112,1.013,0.991,0.885,0.831,0.847,0.786,0.725,0.746,0.679,0.608,0.655,0.616,0.606,0.602,0.626,0.651,0.724,0.649,0.649,0.694,0.644,0.624,0.661,0.612,0.558,0.533,0.495,0.500,0.423,0.395,0.375,0.372,0.391,0.396,0.405,0.428,0.429,0.523,0.562,0.607,0.653,0.672,0.708,0.633,0.668,0.645,0.632,0.591,0.559,0.597,0.625,0.739,0.710,0.729,0.720,0.636,0.581,0.428,0.292,0.162,0.098,0.054])
C=np.array; S=np.sqrt
def rosen(x): return C([10*(x[1]-x[0]**2),1-x[0]])
def pow4(x): return C([x[0]+10*x[1],S(5.)*(x[2]-x[3]),(x[1]-2*x[2])**2,S(10.)*(x[0]-x[3])**2])
def turns(x,y): return np.arctan(y/x)/(2*np.pi)+(0.5 if x.real<0 else 0.)
def watson(x):
    n=len(x); t=np.arange(1,30)/29.; j=np.arange(1,n+1)
    V=t[:,None]**(j-1); r=(V[:,:-1]*j[:-1])@x[1:]-(V@x)**2-1
    return np.concatenate([r,[x[0],x[1]-x[0]**2-1]])
def pen1(x): return np.concatenate([S(1e-5)*(x-1),[np.sum(x*x)-.25]])
def pen2(x):
    n=len(x); g=np.exp(x/10); s=S(1e-5); j=np.arange(2,n+1)
    y=np.exp(j/10)+np.exp((j-1)/10)
    return np.concatenate([[x[0]-.2],s*(g[1:]+g[:-1]-y),s*(g[1:]-np.exp(-.1)),[np.sum((n-np.arange(1,n+1)+1)*x*x)-1]])
def vardim(x):
    j=np.arange(1,11); s=j@x-55; return np.concatenate([x-1,[s,s*s]])
def trig(x): return 10-np.sum(np.cos(x))+np.arange(1,11)*(1-np.cos(x))-np.sin(x)
def brownal(x): return np.concatenate([(x+np.sum(x)-11)[:9],[np.prod(x)-1]])
def pad(x): return np.concatenate([[0],x,[0]])
def dbv(x):
    p=pad(x);h=1/11.;j=np.arange(1,11); return 2*x-p[:-2]-p[2:]+h*h*(x+j*h+1)**3/2
def die(x):
    h=1/11.;t=np.arange(1,11)*h;c=(x+t+1)**3
    return C([x[i]+h*((1-t[i])*np.sum(t[:i+1]*c[:i+1])+t[i]*np.sum((1-t[i+1:])*c[i+1:]))/2 for i in range(10)])
def btri(x):
    p=pad(x); return (3-2*x)*x-p[:-2]-2*p[2:]+1
def bband(x):
    r=[]
    for i in range(10):
        o=[j for j in range(max(0,i-5),min(9,i+1)+1) if j!=i]
        r.append(x[i]*(2+5*x[i]**2)+1-sum(x[j]*(1+x[j]) for j in o))
    return C(r)
def cheb(m):
    def f(x):
        z=2*x-1; a,b=np.ones_like(z),z; r=[]
        for i in range(1,m+1):
            r.append(np.mean(b)+(1/(i*i-1) if i%2==0 else 0)); a,b=b,2*z*b-a
        return C(r)
    return f
i10=np.arange(1,11);t20=np.arange(1,21)/5.;t13=np.arange(1,14)/10.
def gulf(x):
    t=np.arange(1,100)/100.; fr=25+(-50*np.log(t))**(2/3)-x[1]
    return np.exp(-np.exp(np.log(fr*fr)*x[2]/2)/x[0])-t
def box(x):
    t=i10/10; return np.exp(-x[0]*t)-np.exp(-x[1]*t)-x[2]*(np.exp(-t)-np.exp(-10*t))
def wood(x): return C([10*(x[1]-x[0]**2),1-x[0],S(90.)*(x[3]-x[2]**2),1-x[2],S(10.)*(x[1]+x[3]-2),(x[1]-x[3])/S(10.)])
def biggs(x): return x[2]*np.exp(-x[0]*t13)-x[3]*np.exp(-x[1]*t13)+x[5]*np.exp(-x[4]*t13)-(np.exp(-t13)-5*np.exp(-10*t13)+3*np.exp(-4*t13))
def os1(x):
    t=10*np.arange(33.); return O1-(x[0]+x[1]*np.exp(-x[3]*t)+x[2]*np.exp(-x[4]*t))
def os2(x):
    t=np.arange(65)/10.; return O2-(x[0]*np.exp(-x[4]*t)+x[1]*np.exp(-(t-x[8])**2*x[5])+x[2]*np.exp(-(t-x[9])**2*x[6])+x[3]*np.exp(-(t-x[10])**2*x[7]))
def gaus(x):
    i=np.arange(1,16); y=C([GAUSSIAN[min(k-1,15-k)] for k in i]); return x[0]*np.exp(-x[1]*((8-i)/2-x[2])**2/2)-y
def bard(x):
    u=np.arange(1,16.);v=16-u; return C(BARD)-x[0]-u/(x[1]*v+x[2]*np.minimum(u,v))
M=[("rosenbrock",rosen,[-1.2,1]),
("freudenstein",lambda x:C([x[0]+((5-x[1])*x[1]-2)*x[1]-13,x[0]+((x[1]+1)*x[1]-14)*x[1]-29]),[.5,-2]),
("powell_bad",lambda x:C([1e4*x[0]*x[1]-1,np.exp(-x[0])+np.exp(-x[1])-1.0001]),[0,1]),
("brown_bad",lambda x:C([x[0]-1e6,x[1]-2e-6,x[0]*x[1]-2]),[1,1]),
("beale",lambda x:x[0]*(1-x[1]**np.arange(1,4))-C([1.5,2.25,2.625]),[1,1]),
("jennrich",lambda x:2+2*i10-(np.exp(x[0]*i10)+np.exp(x[1]*i10)),[.3,.4]),
("helical",lambda x:C([10*(x[2]-10*turns(x[0],x[1])),10*(S(x[0]**2+x[1]**2)-1),x[2]]),[-1,0,0]),
("bard",bard,[1,1,1]),("gaussian",gaus,[.4,1,0]),
("meyer",lambda x:x[0]*np.exp(x[1]/(45+5*np.arange(1,17)+x[2]))-C(MEYER),[.02,4000,250]),
("gulf",gulf,[5,2.5,.15]),("box",box,[0,10,20]),("powell_sing",pow4,[3,-1,0,1]),("wood",wood,[-3,-1,-3,-1]),
("kowalik",lambda x:KOW[:,0]-x[0]*KOW[:,1]*(KOW[:,1]+x[1])/(KOW[:,1]*(KOW[:,1]+x[2])+x[3]),[.25,.39,.415,.39]),
("brown_dennis",lambda x:(x[0]+x[1]*t20-np.exp(t20))**2+(x[2]+x[3]*np.sin(t20)-np.cos(t20))**2,[25,5,-5,-1]),
("osborne1",os1,[.5,1.5,-1,.01,.02]),("biggs",biggs,[1,2,1,1,1,1]),("osborne2",os2,[1.3,.65,.65,.7,.6,3,5,7,2,4.5,5.5]),
("watson6",watson,[0]*6),("watson9",watson,[0]*9),("watson12",watson,[0]*12),
("ext_rosen",lambda x:np.concatenate([rosen(x[k:k+2]) for k in range(0,10,2)]),[-1.2,1]*5),
("ext_powell",lambda x:np.concatenate([pow4(x[k:k+4]) for k in range(0,12,4)]),[3,-1,0,1]*3),
("pen1_4",pen1,[1,2,3,4]),("pen1_10",pen1,list(range(1,11))),("pen2_4",pen2,[.5]*4),("pen2_10",pen2,[.5]*10),
("vardim",vardim,[1-j/10 for j in range(1,11)]),("trig",trig,[.1]*10),("brownal",brownal,[.5]*10),
("dbv",dbv,[j/11*(j/11-1) for j in range(1,11)]),("die",die,[j/11*(j/11-1) for j in range(1,11)]),
("btri",btri,[-1]*10),("bband",bband,[-1]*10),
("lin_full",lambda x:np.concatenate([x,np.zeros(5)])-2/10*np.sum(x)-1,[1]*5),
("lin_one",lambda x:i10*(np.arange(1,6)@x)-1,[1]*5),
("lin_zero",lambda x:C([0]+[k-1 for k in range(2,10)]+[0])*(np.arange(2,5)@x[1:4])-1,[1]*5),
("cheb7",cheb(7),[j/8 for j in range(1,8)]),("cheb8",cheb(8),[j/9 for j in range(1,9)]),("cheb9",cheb(9),[j/10 for j in range(1,10)]),("cheb10",cheb(10),[j/11 for j in range(1,11)])]


def problems():
    """(name, residuals, start), both starts of each."""
    for name, f, start in M:
        start = np.array(start, float)
        far = 10 * start if start.any() else np.full(len(start), 10.0)
        yield f"{name}/near", f, start
        yield f"{name}/far", f, far
